// Artifacts that an electron-builder document names. Private to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/collect.hpp"
#include "artifact/update_info.hpp"

namespace tranche::artifact {

inline constexpr std::string_view builder_kind = "electron-builder";

struct BuilderFile {
  std::string local;  // file name beside the document
  std::string name;   // as an artifact
  std::string platform;
  std::string sha512;                 // hex; empty: the document says nothing of it (a blockmap)
  std::optional<std::uint64_t> size;  // as the document says
};

// What the document at `path` names, of the files in its directory. kind invalid: unreadable, of another
// version, a file that is missing or has no sha512.
Result<std::vector<BuilderFile>> builder_files(std::string_view document, const std::string& path,
                                               const std::vector<std::string>& listing,
                                               std::string_view version);
// kind verification when the file is not what its document says.
Result<> check_built(const BuilderFile& file, const std::string& path, const std::string& document,
                     const Digested& digested);

}  // namespace tranche::artifact
