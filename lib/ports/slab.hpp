// What a store that writes often wants of a file system beyond ports::Files. The real files give it; a store
// asks with a dynamic_cast and does without where the answer is no.
//
// The problem: a new file costs two flushes, of itself and of its directory, and each of them a commit of the
// file system's journal. Bytes that go over bytes that are there change no size and no name: one flush of the
// data alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::ports {

// An open file of fixed size, written in place.
struct Slab {
  virtual ~Slab() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // At most `count` bytes from `offset` on; fewer at the end.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t count) = 0;
  // Within the size; kind bug beyond it. With `durable` it is on the disk when this returns, with all that
  // was written before. A cut of the power in between leaves any part of it.
  virtual Result<> write(std::uint64_t offset, std::string_view bytes, bool durable) = 0;
};

struct Slabs {
  virtual ~Slabs() = default;
  // nullptr: no such file. For reading alone where the system lets us do no more. Error: unreadable, not a
  // regular file.
  virtual Result<std::unique_ptr<Slab>> open_slab(const std::string& path) = 0;
  // As Files::remove of each, with one flush a directory.
  virtual Result<> remove_all(std::span<const std::string> paths) = 0;
};

}  // namespace tranche::ports
