// The errors of one file, collected: a user wants to see all of them in one run, in the order of the file.
//
// Bounded: a hostile file of 200,000 unknown keys must not become 200,000 messages. Secrets that were pasted
// where a reference belongs are kept out of every excerpt of their line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::spec {

using doc::Place;
using doc::Value;

class Problems {
 public:
  static constexpr std::size_t most = 100;  // further ones are counted only

  void add(const Place& place, std::string message, std::string hint = {});
  void drop() { ++dropped_; }  // one more, when full
  // An error with its own mark: the syntax of an included file.
  void add_error(Error error);
  // What stands at `place` is never shown again.
  void hide(const Place& place);

  [[nodiscard]] bool empty() const { return found_.empty() && foreign_.empty(); }
  [[nodiscard]] std::size_t count() const { return found_.size() + dropped_; }
  [[nodiscard]] bool full() const { return found_.size() >= most; }
  // True when a problem was found at a key or value inside `tree`.
  [[nodiscard]] bool touches(const Value& tree) const;
  // The first one with the rest in Error::others, kind invalid. Must not be empty. Equal ones come once.
  [[nodiscard]] Error take();

 private:
  struct Found {
    Place place;
    std::string message;
    std::string hint;
  };
  [[nodiscard]] bool at(const Place& place) const;
  [[nodiscard]] Error to_error(const Found& found) const;

  std::vector<Found> found_;
  std::vector<Place> hidden_;
  std::vector<Error> foreign_;
  std::size_t dropped_ = 0;
};

}  // namespace tranche::spec
