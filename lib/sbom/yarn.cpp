// yarn.lock, both of them. Version 1 has a format of its own: blocks by indentation, keys and values parted
// by blanks. Berry writes YAML. In both an entry is known by the requests that it answers ("left@^1.0.0"), so
// an edge is looked up as the request that a package makes.
#include <algorithm>

#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

// A request: "@scope/name@range" → {"@scope/name", "range"}.
std::pair<std::string_view, std::string_view> split_request(std::string_view request) {
  const std::size_t at = request.find('@', 1);
  if (at == request.npos) return {request, {}};
  return {request.substr(0, at), request.substr(at + 1)};
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// Main's own needs, from the package.json beside the lockfile. `key` makes the key of a request.
Result<bool> read_package_json(std::string_view text, LockGraph& graph,
                               std::string (*key)(std::string_view name, std::string_view range)) {
  if (text.empty()) return false;
  const auto value = doc::parse_json(text, "package.json", lock_limits);
  if (!value || !value->is_object()) {
    graph.warn(0, "the package.json beside it cannot be read: what is for development only is not known");
    return false;
  }
  graph.main.name = text_at(*value, "name");
  graph.main.version = text_at(*value, "version");
  for (const auto& [member, needed] :
       {std::pair("dependencies", Needed::running), std::pair("devDependencies", Needed::building),
        std::pair("optionalDependencies", Needed::optional)})
    for (const doc::Member& request : members_at(*value, member))
      if (request.value.is_string())
        TRY(graph.connect("", key(request.key, request.value.as_string()), needed));
  return true;
}

// ---- version 1

class Classic {
 public:
  Classic(std::string_view file, std::string_view package_json)
      : file_(file), graph_(file_), package_json_(package_json) {}

  Result<Catalog> read(std::string_view text) {
    TRY(check_text(text, file_));
    TRY(each_line(text, [&](const Line& line) { return take(line); }));
    TRY(end_entry());
    const auto key = [](std::string_view name, std::string_view range) {
      return fmt::format("{}@{}", name, range);
    };
    if (TRY(read_package_json(package_json_, graph_, key)))
      graph_.derive_scopes();
    else
      TRY(graph_.need_the_rest());
    return graph_.finish();
  }

 private:
  Result<> take(const Line& line) {
    if (trim(line.text).empty() || trim(line.text).starts_with('#')) return {};
    const std::size_t indent = line.text.find_first_not_of(' ');
    const std::string_view rest = trim(line.text);
    if (indent == 0) {
      TRY(end_entry());
      if (!rest.ends_with(':')) {
        graph_.warn(line.number, fmt::format("'{}' is no entry of a yarn lockfile", printable(rest)));
        return {};
      }
      for (std::string_view request : split(rest.substr(0, rest.size() - 1), ','))
        requests_.emplace_back(unquoted(trim(request)));
      entry_line_ = line.number;
      return {};
    }
    if (requests_.empty()) return {};  // of an entry that was no entry
    if (indent == 2 && rest.ends_with(':')) {
      section_ = rest.substr(0, rest.size() - 1);
      return {};
    }
    // A name with blanks is quoted.
    const std::size_t end = rest.starts_with('"') ? rest.find('"', 1) : rest.find(' ');
    const std::string_view name =
        unquoted(rest.substr(0, end == rest.npos || rest[end] == ' ' ? end : end + 1));
    const std::string_view value =
        unquoted(trim(end == rest.npos ? std::string_view() : rest.substr(end + 1)));
    if (indent >= 4) {
      if (section_ == "dependencies" || section_ == "optionalDependencies")
        needs_.emplace_back(fmt::format("{}@{}", name, value),
                            section_ == "dependencies" ? Needed::running : Needed::optional);
      return {};
    }
    section_.clear();
    if (name == "version") version_ = value;
    if (name == "resolved") resolved_ = value;
    if (name == "integrity") integrity_ = value;
    return {};
  }

  Result<> end_entry() {
    if (!requests_.empty() && version_.empty())
      graph_.warn(entry_line_, fmt::format("'{}' has no version", printable(requests_[0])));
    if (!requests_.empty() && !version_.empty()) {
      auto [name, range] = split_request(requests_[0]);
      if (range.starts_with("npm:")) name = split_request(range.substr(4)).first;  // an alias
      Component component = npm_component(name, version_, is_git_address(resolved_) ? resolved_ : "");
      component.hashes = read_integrity(integrity_);
      const std::size_t mark = resolved_.rfind('#');
      if (component.hashes.empty() && mark != std::string::npos && !is_git_address(resolved_))
        if (auto hash = hash_of_hex(std::string_view(resolved_).substr(mark + 1)))
          component.hashes.push_back(std::move(*hash));
      for (const std::string& request : requests_) {
        TRY(graph_.add(request, component));
        for (const auto& [to, needed] : needs_) TRY(graph_.connect(request, to, needed));
        // One entry's needs are many requests' needs: said once.
        needs_.clear();
      }
    }
    requests_.clear();
    needs_.clear();
    version_.clear();
    resolved_.clear();
    integrity_.clear();
    section_.clear();
    return {};
  }

  std::string file_;
  LockGraph graph_;
  std::string_view package_json_;
  std::vector<std::string> requests_;
  std::vector<std::pair<std::string, Needed>> needs_;
  std::string version_, resolved_, integrity_, section_;
  int entry_line_ = 0;
};

// ---- berry

// Ranges without a protocol are npm's.
std::string berry_key(std::string_view name, std::string_view range) {
  const std::size_t colon = range.find(':');
  const bool protocol = colon != range.npos && range.find_first_of("/ ") > colon;
  return fmt::format("{}@{}{}", name, protocol ? "" : "npm:", range);
}

class Berry {
 public:
  Berry(std::string_view file, std::string_view text, std::string_view package_json)
      : file_(file), graph_(file_), texts_(text), text_(text), package_json_(package_json) {}

  Result<Catalog> read() {
    const doc::Value value = TRY(doc::parse_yaml(text_, file_, lock_limits));
    if (!value.is_object() || value.find("__metadata") == nullptr)
      return fail_hint(ErrorKind::invalid, "yarn install writes it", "{} is no yarn lockfile",
                       printable(file_));
    for (const doc::Member& entry : value.as_object())
      if (entry.key != "__metadata") TRY(take(entry));
    const bool known = TRY(read_package_json(package_json_, graph_, berry_key));
    // The workspace at "." is what the lockfile is of; the others are parts of it.
    for (const auto& [name, needed] : root_needs_)
      if (!known) TRY(graph_.connect("", name, needed));
    for (const std::string& workspace : workspaces_) TRY(graph_.connect("", workspace));
    if (known)
      graph_.derive_scopes();
    else if (root_needs_.empty() && workspaces_.empty())
      TRY(graph_.need_the_rest());
    return graph_.finish();
  }

 private:
  Result<> take(const doc::Member& entry) {
    const int line = entry.key_place.line;
    if (!entry.value.is_object()) {
      graph_.warn(line, fmt::format("the entry '{}' is {}, not a map", printable(entry.key),
                                    entry.value.kind_name()));
      return {};
    }
    const std::string resolution = text_at(entry.value, "resolution");
    const doc::Value* written = entry.value.find("version");
    std::string version = written == nullptr ? std::string() : texts_.of(*written);
    if (resolution.empty() || version.empty()) {
      graph_.warn(line, fmt::format("'{}' has no {}", printable(entry.key),
                                    resolution.empty() ? "resolution" : "version"));
      return {};
    }
    const auto [name, source] = split_request(resolution);
    std::vector<std::pair<std::string, Needed>> needs;
    std::set<std::string_view> optionals;
    for (const doc::Member& about : members_at(entry.value, "dependenciesMeta"))
      if (flag_at(about.value, "optional")) optionals.insert(about.key);
    for (const doc::Member& need : members_at(entry.value, "dependencies")) {
      const bool optional = optionals.contains(need.key);
      needs.emplace_back(berry_key(need.key, texts_.of(need.value)),
                         optional ? Needed::optional : Needed::running);
    }
    if (source == "workspace:.") {
      graph_.main.name = name;
      root_needs_ = std::move(needs);
      return {};
    }
    const bool workspace = source.starts_with("workspace:");
    if (workspace && version == "0.0.0-use.local") version.clear();
    const bool git = source.find(".git#") != source.npos || is_git_address(source);
    Component component = npm_component(name, version, git ? source : std::string_view());
    // "checksum" is of yarn's own archive, whose bytes depend on its settings: no digest of the package.
    bool first = true;
    for (const std::string_view part : split(entry.key, ',')) {
      std::string key(trim(part));
      TRY(graph_.add(key, component));
      if (workspace && first) workspaces_.push_back(key);
      for (const auto& [to, needed] : needs)
        if (first) TRY(graph_.connect(key, to, needed));
      first = false;
    }
    return {};
  }

  std::string file_;
  LockGraph graph_;
  ScalarTexts texts_;
  std::string_view text_;
  std::string_view package_json_;
  std::vector<std::pair<std::string, Needed>> root_needs_;
  std::vector<std::string> workspaces_;
};

}  // namespace

Result<Catalog> catalog_yarn_lock(std::string_view text, const std::string& file,
                                  std::string_view package_json) {
  if (text.find("\n__metadata:") != text.npos || text.starts_with("__metadata:"))
    return Berry(file, text, package_json).read();
  if (text.find("# yarn lockfile v1") == text.npos && !trim(text).empty() &&
      text.find("\n  version ") == text.npos)
    return fail_hint(ErrorKind::invalid, "yarn install writes it", "{} is no yarn lockfile", printable(file));
  return Classic(file, package_json).read(text);
}

}  // namespace tranche::sbom
