// What a .deb says of itself. A .deb (deb(5)) is an ar archive of debian-binary, control.tar.* and
// data.tar.*; only what stands before the data is read, so a package of any size costs a few kilobytes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::artifact {

inline constexpr std::size_t max_control_bytes = 256 * 1024;  // the stanza
inline constexpr std::size_t max_control_archive = 16 << 20;  // control.tar.*

struct DebianPackage {
  std::string control;         // the stanza as it stands in the package, without the last newline
  std::string name;            // [a-z0-9][a-z0-9+.-]+
  std::string version;         // valid_debian_version
  std::string architecture;    // "amd64", "all"
  std::string source;          // the source package: `name` when the stanza names none
  std::string source_version;  // `version` when it names none
};

// kind invalid: no .deb, broken, over a limit, a stanza without a usable name, version and architecture.
Result<DebianPackage> read_debian_package(ports::Files& files, const std::string& path);
// The same over the bytes, or as many of them as reach to the end of control.tar.*.
Result<DebianPackage> parse_debian_package(std::string_view bytes);
// The fields that a stanza of a package or of an index names itself by. kind invalid as above.
Result<DebianPackage> parse_control(std::string_view stanza);

}  // namespace tranche::artifact
