// What the readers of lockfiles share: packages under the keys that the file knows them by, edges between
// keys, and what follows from them: which package is needed for running, which is optional, which is for
// building only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr doc::Limits lock_limits{.max_bytes = 32 << 20, .max_depth = 256, .max_nodes = 8'000'000};
inline constexpr std::size_t max_edges = 300'000;

// How much a package is needed: by what runs, if it can be had, for building and testing only.
enum class Needed : std::uint8_t { building, optional, running };
std::string_view scope_of(Needed needed);  // "excluded", "optional", ""

class LockGraph {
 public:
  explicit LockGraph(std::string file) : file_(std::move(file)) {}

  // What the file is the lockfile of; its depends_on are filled by finish().
  Component main;

  // "FILE:LINE: text"; line 0: the file as a whole.
  void warn(int line, std::string_view text) { warn(file_, line, text); }
  // Of another file that was read along.
  void warn(const std::string& file, int line, std::string_view text);
  // Keys are the file's own. Keys whose components have one bom_ref become one component. A component without
  // a bom_ref takes its purl. One without a name, or whose purl does not read, is not listed: a warning. kind
  // invalid beyond max_components.
  Result<> add(std::string key, Component component);
  [[nodiscard]] bool contains(std::string_view key) const { return keys_.contains(key); }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  // `from` needs `to`; "" is main. kind invalid beyond max_edges.
  Result<> connect(std::string from, std::string to, Needed needed = Needed::running);
  // Components get their scope from the edges that lead to them from main; those that none leads to keep
  // theirs.
  void derive_scopes();
  // Main needs every package that no other needs.
  Result<> need_the_rest();
  // Sorted by bom_ref. An edge to a key that is not there is a warning, unless it is optional.
  Catalog finish();

 private:
  struct Edge {
    std::string to;
    Needed needed;
  };
  std::string file_;
  std::map<std::string, std::string, std::less<>> keys_;  // key → bom_ref
  std::map<std::string, Component> components_;           // bom_ref →
  std::map<std::string, std::vector<Edge>> edges_;        // from key →
  std::size_t edge_count_ = 0;
  std::vector<std::string> warnings_;
};

// Members of machine-made documents; empty or false when absent or of another type.
std::string text_at(const doc::Value& value, std::string_view key);
bool flag_at(const doc::Value& value, std::string_view key);
// The text of a scalar as the file has it: 1.10 is "1.10", not 1.1.
class ScalarTexts {
 public:
  explicit ScalarTexts(std::string_view text);                  // which must outlive this
  [[nodiscard]] std::string of(const doc::Value& value) const;  // empty for lists and maps
 private:
  std::vector<std::string_view> lines_;
};
const doc::Object& members_at(const doc::Value& value, std::string_view key);  // none when it is no map
const doc::Array& items_at(const doc::Value& value, std::string_view key);     // none when it is no list

// Subresource integrity (w3.org/TR/SRI): "sha512-BASE64 sha1-BASE64".
std::vector<Hash> read_integrity(std::string_view text);
// A digest in hex, its algorithm told from its length: 40, 64, 96 or 128 digits. nullopt otherwise.
std::optional<Hash> hash_of_hex(std::string_view hex);
// "sha256:HEX" or "sha256=HEX" (also sha1, sha384, sha512, md5 is passed over).
std::optional<Hash> hash_of_pair(std::string_view text);

// "@scope/name" → its group and name set, and its purl, with vcs_url where it comes from git.
Component npm_component(std::string_view full_name, std::string_view version, std::string_view vcs_url = {});
// True for what a package manager clones: "git+ssh://...", "git://...", "github:a/b".
bool is_git_address(std::string_view address);

// kind invalid unless the bytes are UTF-8 without NUL: for the formats that no loader of ours has read.
Result<> check_text(std::string_view text, const std::string& file);

// Lines without their ends, numbered from 1.
struct Line {
  int number;
  std::string_view text;
};
// Calls `take` for each line; stops at the first error.
Result<> each_line(std::string_view text, const std::function<Result<>(const Line&)>& take);

}  // namespace tranche::sbom
