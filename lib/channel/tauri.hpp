// The Tauri updater's feed (tauri-apps/plugins-workspace, plugins/updater/src/updater.rs), the parts that the
// static file, the reader and `tranche serve` share. Pure.
//
// A client asks one address and installs when the version there is higher than its own. It has no percentage
// and sends no device id: a static file reaches everybody who reads it. What it verifies is the minisign
// signature over the downloaded file; version and address are not signed, but newer clients compare the
// version with the "version:" field of the signature's trusted comment, which we always write.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "channel/ecosystem.hpp"

namespace tranche::channel {

// --- what a release has for Tauri: the facts -------------------------------------------------------------

// A file for the updater. `targets`: the keys it stands under in the static file: "linux-x86_64-appimage",
// and "linux-x86_64" too where it is the one for clients that know no bundle types.
struct TauriFile {
  std::string name;       // of the artifact; below tranche/v1/releases/<v>/ unless `path` or `url` say else
  std::string path;       // in the store; empty: the usual place
  std::string url;        // elsewhere, of a release that another tool published; empty: in the store
  std::string signature;  // base64 of the minisign signature's text
  std::vector<std::string> targets;
  bool operator==(const TauriFile&) const = default;
};
struct TauriFacts {
  std::string version;
  std::string notes;     // of an adopted release; or empty
  std::string pub_date;  // RFC 3339, of an adopted release; empty: when the manifest was made
  std::vector<TauriFile> files;
  bool operator==(const TauriFacts&) const = default;
};
// {"schema": "tranche/tauri-facts/v1", "version", "notes", "pub-date", "files": [{"name", "path", "url",
// "signature", "targets"}]}; absent when empty. kind verification: strict and bounded.
Result<TauriFacts> parse_tauri_facts(std::string_view json);
std::string to_json(const TauriFacts& facts);

// What an artifact is to Tauri's updater.
struct TauriBundle {
  std::string_view type;               // appimage deb rpm app nsis msi
  std::vector<std::string> platforms;  // "linux-x86_64"; two for a universal macOS app
};
// nullopt: no file that the updater installs. kind invalid: one whose platform is not known.
Result<std::optional<TauriBundle>> tauri_bundle(const artifact::Artifact& artifact);

// --- the client's own rules ------------------------------------------------------------------------------

// What Rust's semver crate reads: three numbers, pre-release, build. Empty when it is none. Leading v's are
// taken off first, as the client does.
std::string_view tauri_version(std::string_view text);
// The crate's order of two such versions: SemVer's, then build metadata, which it does not ignore.
int compare_tauri_versions(std::string_view a, std::string_view b);

// "latest.json", or the client's channel; a cohort's feed channel has a file of its own.
std::string tauri_file_name(const spec::Client& client, std::string_view feed_channel);

// --- the dynamic endpoint --------------------------------------------------------------------------------

// The bodies of a 200, one for each target of a static file: {"version", "url", "signature", "notes",
// "pub_date"}, named by the target. A client that is to keep what it runs gets a 204. A server that knows a
// client's {{bundle_type}} looks for "linux-x86_64-appimage" before "linux-x86_64". kind verification.
Result<std::vector<Named>> tauri_answers(std::string_view static_file);

// --- shared by the writer and the reader -----------------------------------------------------------------

// The address of a file of a release.
Result<std::string> tauri_url(const TauriFile& file, std::string_view version, std::string_view base_url);
// The static file, exactly as it is published. `facts` empty platforms: the file names nothing.
Result<std::string> tauri_static_file(const TauriFacts& facts, Instant created, std::string_view base_url);
// A static file that offers nothing to anybody: version 0.0.0 without platforms.
std::string tauri_empty_file();

inline constexpr std::size_t max_tauri_file = 1 << 20;
// A static file or a dynamic answer, as the client reads it (serde): one flaw anywhere and all of it fails.
struct TauriEntry {
  std::string target;  // empty: of a dynamic answer
  std::string url;
  std::string signature;
};
struct TauriRelease {
  std::string version;  // without leading v's
  std::string notes;
  std::string pub_date;  // as written; empty: none
  bool dynamic = false;
  std::vector<TauriEntry> entries;  // by target
};
Result<TauriRelease> parse_tauri_release(std::string_view json);  // kind verification

}  // namespace tranche::channel
