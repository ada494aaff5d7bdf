// The newest checkpoint that was seen, in a file of ours outside the store: whoever controls the store can
// show an old journal or another one, but not to somebody who remembers.
//
// The file holds the checkpoint's three lines without a signature: it is believed because it is ours. One
// that cannot be read is an error, not a fresh start.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "journal/checkpoint.hpp"
#include "ports/ports.hpp"

namespace tranche::journal {

inline constexpr auto older_hint =
    "somebody put an old copy in its place: restore the newer one from the git history or a backup";
inline constexpr auto forked_hint =
    "two histories exist: compare with a copy, keep the right one, then remove the remembered checkpoint";

// nullopt: nothing remembered yet, or `path` is empty. kind verification when broken or of another origin.
Result<std::optional<Checkpoint>> read_memory(ports::Files& files, const std::string& path,
                                              const std::string& origin);
// Never goes back: under a lock, a file that holds a larger size is left alone. Nothing when `path` is empty.
Result<> write_memory(ports::Files& files, const std::string& path, const Checkpoint& checkpoint);

}  // namespace tranche::journal
