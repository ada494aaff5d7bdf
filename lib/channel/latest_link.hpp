// `latest-link: at 100%`: names for the download page that stay, below latest/, each a copy of an artifact of
// the release that everyone has. latest/latest.json says which that is.
#pragma once

#include "artifact/manifest.hpp"
#include "store/store.hpp"

namespace tranche::channel {

inline constexpr std::string_view latest_index_name = "latest/latest.json";
// "notes-1.2.0.exe" of version 1.2.0 → "latest/notes-latest.exe"; a name without the version stays.
std::string latest_name(std::string_view version, std::string_view artifact);

// Makes latest/ that of `manifest`, whose artifacts are in the store, unless it is already; true when
// something was written. Names that the last release had and this one has not are removed. Killed anywhere,
// the next call completes it: latest.json comes last.
Result<bool> move_latest_link(store::Store& store, const artifact::Manifest& manifest);

}  // namespace tranche::channel
