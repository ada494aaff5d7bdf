// An unfinished signature on disk: what a log is about to be asked to write.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ports/ports.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::sigstore {

struct Pending {
  std::string about;  // what was signed and where it goes: hex SHA-256 over it; another one is another job
  Bundle bundle;      // without log entries
};
Result<> write_pending(ports::Files& files, const std::string& path, const Pending& pending);
// nullopt: there is none, or what is there cannot be read: nothing is lost by signing anew.
Result<std::optional<Pending>> read_pending(ports::Files& files, const std::string& path);

}  // namespace tranche::sigstore
