#include "sbom/lock.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::sbom {

namespace {

const doc::Object no_members;
const doc::Array no_items;

Needed needed_of(std::string_view scope) {
  return scope.empty() ? Needed::running : scope == "optional" ? Needed::optional : Needed::building;
}

struct Algorithm {
  std::string_view key, name;
  std::size_t bytes;
};
constexpr std::array algorithms{Algorithm{"sha1", "SHA-1", 20}, Algorithm{"sha256", "SHA-256", 32},
                                Algorithm{"sha384", "SHA-384", 48}, Algorithm{"sha512", "SHA-512", 64}};

}  // namespace

std::string_view scope_of(Needed needed) {
  return needed == Needed::running ? "" : needed == Needed::optional ? "optional" : "excluded";
}

void LockGraph::warn(const std::string& file, int line, std::string_view text) {
  if (warnings_.size() >= max_warnings) return;
  warnings_.push_back(line > 0 ? fmt::format("{}:{}: {}", printable(file), line, text)
                               : fmt::format("{}: {}", printable(file), text));
}

Result<> LockGraph::add(std::string key, Component component) {
  if (keys_.size() >= max_components)
    return fail(ErrorKind::invalid, "{} has more than {} packages", printable(file_), max_components);
  if (component.bom_ref.empty()) component.bom_ref = component.purl;
  const auto purl = parse_purl(component.purl);
  if (component.name.empty() || !purl) {
    warn(0, fmt::format("the entry '{}' is not listed: {}", printable(key),
                        component.name.empty() ? "it has no name" : purl.error().message));
    return {};
  }
  std::string reference = component.bom_ref;
  const auto found = components_.find(reference);
  if (found == components_.end()) {
    components_.emplace(reference, std::move(component));
  } else {
    Component& old = found->second;
    if (old.hashes.empty()) old.hashes = std::move(component.hashes);
    if (old.licenses.empty()) old.licenses = std::move(component.licenses);
    if (needed_of(component.scope) > needed_of(old.scope)) old.scope = component.scope;
  }
  keys_.insert_or_assign(std::move(key), std::move(reference));
  return {};
}

Result<> LockGraph::connect(std::string from, std::string to, Needed needed) {
  if (++edge_count_ > max_edges)
    return fail(ErrorKind::invalid, "{} has more than {} dependencies", printable(file_), max_edges);
  edges_[std::move(from)].push_back({std::move(to), needed});
  return {};
}

void LockGraph::derive_scopes() {
  std::map<std::string_view, Needed> reached;  // keys
  for (const Needed level : {Needed::running, Needed::optional, Needed::building}) {
    std::deque<std::string_view> waiting;
    const auto follow = [&](const std::string& from) {
      const auto list = edges_.find(from);
      if (list == edges_.end()) return;
      for (const Edge& edge : list->second) {
        const auto to = keys_.find(edge.to);
        if (to != keys_.end() && edge.needed >= level && reached.emplace(to->first, level).second)
          waiting.push_back(to->first);
      }
    };
    // Whoever was reached more strongly reaches more at a weaker level.
    std::vector<std::string_view> before;
    for (const auto& [key, how] : reached) before.push_back(key);
    follow("");
    for (const std::string_view key : before) follow(std::string(key));
    while (!waiting.empty()) {
      const std::string key(waiting.front());
      waiting.pop_front();
      follow(key);
    }
  }
  std::map<std::string_view, Needed> strongest;  // bom_refs
  for (const auto& [key, how] : reached) {
    const auto [at, fresh] = strongest.emplace(keys_.find(key)->second, how);
    if (!fresh) at->second = std::max(at->second, how);
  }
  for (const auto& [reference, how] : strongest)
    components_.find(std::string(reference))->second.scope = scope_of(how);
}

Result<> LockGraph::need_the_rest() {
  std::set<std::string_view> needed;
  for (const auto& [from, list] : edges_)
    for (const Edge& edge : list)
      if (const auto to = keys_.find(edge.to); to != keys_.end() && to->first != from)
        needed.insert(to->second);
  std::vector<std::string> rest;
  for (const auto& [key, reference] : keys_)
    if (!needed.contains(reference)) rest.push_back(key);
  for (std::string& key : rest) TRY(connect("", std::move(key)));
  return {};
}

Catalog LockGraph::finish() {
  Catalog catalog;
  for (const auto& [from, list] : edges_) {
    const auto source = keys_.find(from);
    if (!from.empty() && source == keys_.end()) continue;
    Component& component = from.empty() ? main : components_.find(source->second)->second;
    for (const Edge& edge : list) {
      const auto to = keys_.find(edge.to);
      if (to != keys_.end())
        component.depends_on.push_back(to->second);
      else if (edge.needed != Needed::optional)
        warn(0, fmt::format("'{}' needs '{}', and the lockfile has no such package",
                            printable(component.name), printable(edge.to)));
    }
  }
  const auto tidy = [](Component& component) {
    auto& list = component.depends_on;
    std::ranges::sort(list);
    list.erase(std::ranges::unique(list).begin(), list.end());
    std::erase(list, component.bom_ref);
  };
  tidy(main);
  catalog.main = std::move(main);
  catalog.components.reserve(components_.size());
  for (auto& [reference, component] : components_) {
    tidy(component);
    catalog.components.push_back(std::move(component));
  }
  catalog.warnings = std::move(warnings_);
  return catalog;
}

std::string text_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

bool flag_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_bool() && found->as_bool();
}

ScalarTexts::ScalarTexts(std::string_view text) : lines_(split(text, '\n')) {}

std::string ScalarTexts::of(const doc::Value& value) const {
  if (value.is_string()) return value.as_string();
  if (value.is_array() || value.is_object() || value.place.line < 1) return {};
  const auto line = static_cast<std::size_t>(value.place.line) - 1;
  const auto begin = static_cast<std::size_t>(std::max(value.place.column, 1)) - 1;
  if (line >= lines_.size() || begin >= lines_[line].size()) return {};
  return std::string(
      trim(lines_[line].substr(begin, static_cast<std::size_t>(std::max(value.place.length, 1)))));
}

const doc::Object& members_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_object() ? found->as_object() : no_members;
}

const doc::Array& items_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_array() ? found->as_array() : no_items;
}

std::vector<Hash> read_integrity(std::string_view text) {
  std::vector<Hash> hashes;
  for (std::string_view word : split(text, ' ')) {
    word = word.substr(0, word.find('?'));
    for (const Algorithm& algorithm : algorithms) {
      if (!word.starts_with(algorithm.key) || word.substr(algorithm.key.size(), 1) != "-") continue;
      const auto digest = from_base64(word.substr(algorithm.key.size() + 1));
      if (digest && digest->size() == algorithm.bytes)
        hashes.push_back({std::string(algorithm.name), to_hex(*digest)});
    }
  }
  return hashes;
}

std::optional<Hash> hash_of_hex(std::string_view hex) {
  const auto found = std::ranges::find(algorithms, hex.size() / 2, &Algorithm::bytes);
  const auto bytes = from_hex(hex);
  if (!bytes || found == algorithms.end()) return std::nullopt;
  return Hash{std::string(found->name), to_hex(*bytes)};
}

std::optional<Hash> hash_of_pair(std::string_view text) {
  const std::size_t at = text.find_first_of(":=");
  if (at == text.npos) return std::nullopt;
  const auto found = std::ranges::find(algorithms, text.substr(0, at), &Algorithm::key);
  auto hash = hash_of_hex(text.substr(at + 1));
  if (!hash || found == algorithms.end() || found->name != hash->algorithm) return std::nullopt;
  return hash;
}

Component npm_component(std::string_view full_name, std::string_view version, std::string_view vcs_url) {
  Component component;
  const std::size_t slash = full_name.find('/');
  const bool scoped = full_name.starts_with('@') && slash != full_name.npos;
  component.group = scoped ? full_name.substr(0, slash) : "";
  component.name = scoped ? full_name.substr(slash + 1) : full_name;
  component.version = version;
  component.purl =
      make_purl("npm", component.group, component.name, version, {{"vcs_url", std::string(vcs_url)}});
  component.bom_ref = component.purl;
  return component;
}

bool is_git_address(std::string_view address) {
  for (const std::string_view start : {"git+", "git:", "git@", "github:", "gitlab:", "bitbucket:"})
    if (address.starts_with(start)) return true;
  return false;
}

Result<> check_text(std::string_view text, const std::string& file) {
  if (is_valid_utf8(text) && text.find('\0') == text.npos) return {};
  return fail_hint(ErrorKind::invalid, "is it another kind of file?", "{} is no text in UTF-8",
                   printable(file));
}

Result<> each_line(std::string_view text, const std::function<Result<>(const Line&)>& take) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    TRY(take({number, line}));
  }
  return {};
}

}  // namespace tranche::sbom
