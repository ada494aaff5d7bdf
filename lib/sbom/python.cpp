// Python's lockfiles: poetry.lock, uv.lock and pdm.lock (TOML, one shape with small differences) and
// Pipfile.lock (JSON). A package comes as several files (wheels and a source), each with a digest of its own:
// only a package with one file has a hash; the digests of several are properties "dist:FILE".
#include <algorithm>

#include "base/text.hpp"
#include "doc/toml.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"
#include "sbom/python.hpp"

namespace tranche::sbom {

namespace {

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Adds what `file` (a table with hash, and file or url) says.
void add_file(const doc::Value& file, std::vector<std::pair<std::string, std::string>>& files) {
  if (!file.is_object()) return;
  std::string name = text_at(file, "file");
  if (name.empty()) name = last_segment(text_at(file, "url"));
  const std::string hash = text_at(file, "hash");
  if (hash_of_pair(hash)) files.emplace_back(std::move(name), hash);
}

class Toml {
 public:
  Toml(std::string file, std::string_view tool) : file_(std::move(file)), tool_(tool), graph_(file_) {}

  Result<Catalog> read(std::string_view text) {
    const doc::Value value = TRY(doc::parse_toml(text, file_, lock_limits));
    const doc::Value* packages = value.find("package");
    if (packages != nullptr && !packages->is_array())
      return fail_hint(ErrorKind::invalid, fmt::format("{} lock writes it", tool_), "{} is no lockfile of {}",
                       printable(file_), tool_);
    if (const doc::Value* metadata = value.find("metadata"))
      for (const doc::Member& entry : members_at(*metadata, "files"))
        old_files_.emplace(entry.key, &entry.value);
    for (const doc::Value& package : items_at(value, "package")) {
      if (package.is_object())
        TRY(take(package));
      else
        graph_.warn(package.place.line, fmt::format("a package is {}, not a table", package.kind_name()));
    }
    TRY(connect());
    return graph_.finish();
  }

 private:
  struct Need {
    std::string from, name, version;
    Needed needed;
  };

  Result<> take(const doc::Value& package) {
    const std::string name = normal_python_name(text_at(package, "name"));
    const std::string version = text_at(package, "version");
    const doc::Value* source = package.find("source");
    const bool local =
        source != nullptr && (source->find("editable") != nullptr || source->find("virtual") != nullptr ||
                              source->find("directory") != nullptr);
    if (name.empty() || (version.empty() && !local)) {
      graph_.warn(package.place.line, fmt::format("a package has no {}", name.empty() ? "name" : "version"));
      return {};
    }
    const std::string where =
        source == nullptr || !local
            ? std::string()
            : text_at(*source, source->find("editable") != nullptr ? "editable" : "virtual");
    const bool root =
        local && (where == "." || where.empty()) && source->find("directory") == nullptr && !has_root_;
    const std::string key = root ? "" : fmt::format("{} {}", name, version);
    if (root) {
      has_root_ = true;
      graph_.main.name = name;
      graph_.main.version = version;
    } else {
      TRY(graph_.add(key, to_component(package, name, version)));
      keys_[name].push_back(key);
    }
    take_needs(package, key);
    return {};
  }

  Component to_component(const doc::Value& package, const std::string& name, const std::string& version) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const doc::Value& file : items_at(package, "files")) add_file(file, files);
    for (const doc::Value& file : items_at(package, "wheels")) add_file(file, files);
    if (const doc::Value* source_file = package.find("sdist")) add_file(*source_file, files);
    if (const auto old = old_files_.find(text_at(package, "name")); old != old_files_.end() && files.empty())
      if (old->second->is_array())
        for (const doc::Value& file : old->second->as_array()) add_file(file, files);
    std::string vcs_url;
    if (const doc::Value* source = package.find("source")) {
      const std::string git = text_at(*source, "git");
      const std::string commit = text_at(*source, "resolved_reference");
      if (!git.empty()) vcs_url = "git+" + git;
      if (text_at(*source, "type") == "git")
        vcs_url = fmt::format("git+{}{}{}", text_at(*source, "url"), commit.empty() ? "" : "@", commit);
    }
    if (const std::string git = text_at(package, "git"); !git.empty())
      vcs_url = fmt::format("git+{}@{}", git, text_at(package, "revision"));
    Component component = python_component(name, version, vcs_url, std::move(files));
    component.description = text_at(package, "summary");
    if (component.description.empty()) component.description = text_at(package, "description");
    // Poetry: a group of its own, or "category" before 1.5; uv says it by edges.
    bool main_group = items_at(package, "groups").empty();
    for (const doc::Value& group : items_at(package, "groups"))
      if (group.is_string() && (group.as_string() == "main" || group.as_string() == "default"))
        main_group = true;
    if (!main_group || text_at(package, "category") == "dev") component.scope = "excluded";
    if (flag_at(package, "optional") && component.scope.empty()) component.scope = "optional";
    return component;
  }

  void take_needs(const doc::Value& package, const std::string& from) {
    // Poetry: a table of names. uv: a list of tables. PDM: a list of texts.
    for (const doc::Member& need : members_at(package, "dependencies")) {
      const doc::Value& spec =
          need.value.is_array() && !need.value.as_array().empty() ? need.value.as_array()[0] : need.value;
      const bool conditional = flag_at(spec, "optional") || spec.find("markers") != nullptr;
      needs_.push_back({from, need.key, "", conditional ? Needed::optional : Needed::running});
    }
    add_list(items_at(package, "dependencies"), from, Needed::running);
    for (const doc::Member& extra : members_at(package, "optional-dependencies"))
      if (extra.value.is_array()) add_list(extra.value.as_array(), from, Needed::optional);
    for (const doc::Member& group : members_at(package, "dev-dependencies"))
      if (group.value.is_array()) add_list(group.value.as_array(), from, Needed::building);
  }

  void add_list(const doc::Array& list, const std::string& from, Needed needed) {
    for (const doc::Value& need : list) {
      if (need.is_object())
        needs_.push_back({from, text_at(need, "name"), text_at(need, "version"), needed});
      else if (need.is_string())
        needs_.push_back(
            {from, std::string(requirement_name(need.as_string())), "",
             need.as_string().find(';') == std::string::npos ? needed : std::min(needed, Needed::optional)});
    }
  }

  Result<> connect() {
    for (const Need& need : needs_) {
      const std::string name = normal_python_name(need.name);
      if (!need.version.empty()) {
        TRY(graph_.connect(need.from, fmt::format("{} {}", name, need.version), need.needed));
        continue;
      }
      const auto named = keys_.find(name);
      if (named == keys_.end()) {
        TRY(graph_.connect(need.from, need.name, need.needed));
        continue;
      }
      // Forks by marker: several versions under one name.
      for (const std::string& key : named->second) TRY(graph_.connect(need.from, key, need.needed));
    }
    if (has_root_)
      graph_.derive_scopes();
    else
      TRY(graph_.need_the_rest());
    return {};
  }

  std::string file_;
  std::string_view tool_;
  LockGraph graph_;
  bool has_root_ = false;
  std::map<std::string, const doc::Value*> old_files_;    // Poetry before 1.4: name → its files
  std::map<std::string, std::vector<std::string>> keys_;  // name → keys
  std::vector<Need> needs_;
};

}  // namespace

std::string normal_python_name(std::string_view name) {
  std::string text;
  for (const char c : lower(name)) {
    const bool dash = c == '-' || c == '_' || c == '.';
    if (!dash)
      text += c;
    else if (text.empty() || text.back() != '-')
      text += '-';
  }
  return text;
}

std::string_view requirement_name(std::string_view text) {
  text = trim(text);
  std::size_t end = 0;
  while (end < text.size() &&
         ((text[end] >= 'a' && text[end] <= 'z') || (text[end] >= 'A' && text[end] <= 'Z') ||
          (text[end] >= '0' && text[end] <= '9') || text[end] == '-' || text[end] == '_' || text[end] == '.'))
    ++end;
  return text.substr(0, end);
}

Component python_component(std::string_view name, std::string_view version, std::string_view vcs_url,
                           std::vector<std::pair<std::string, std::string>> files) {
  Component component;
  component.name = name;
  component.version = version;
  component.purl = make_purl("pypi", "", name, version, {{"vcs_url", std::string(vcs_url)}});
  std::ranges::sort(files);
  if (files.size() == 1) {
    if (auto hash = hash_of_pair(files[0].second)) component.hashes.push_back(std::move(*hash));
  } else {
    for (auto& [file, hash] : files) component.properties.emplace_back("dist:" + file, std::move(hash));
  }
  return component;
}

Result<Catalog> catalog_python_lock(std::string_view text, const std::string& file, std::string_view tool) {
  return Toml(file, tool).read(text);
}

Result<Catalog> catalog_pipfile_lock(std::string_view text, const std::string& file) {
  const doc::Value value = TRY(doc::parse_json(text, file, lock_limits));
  if (!value.is_object() || value.find("_meta") == nullptr)
    return fail_hint(ErrorKind::invalid, "pipenv lock writes it", "{} is no Pipfile.lock", printable(file));
  LockGraph graph(file);
  for (const doc::Member& section : value.as_object()) {
    if (section.key == "_meta" || !section.value.is_object()) continue;
    for (const doc::Member& package : section.value.as_object()) {
      std::string version = text_at(package.value, "version");
      const std::string git = text_at(package.value, "git");
      const std::string commit = text_at(package.value, "ref");
      if (!package.value.is_object() || (!version.starts_with("==") && git.empty())) {
        graph.warn(package.key_place.line, fmt::format("'{}' has no exact version", printable(package.key)));
        continue;
      }
      version = version.starts_with("==") ? version.substr(2) : "";
      std::vector<std::pair<std::string, std::string>> files;
      for (const doc::Value& hash : items_at(package.value, "hashes"))
        if (hash.is_string() && hash_of_pair(hash.as_string())) files.emplace_back("", hash.as_string());
      Component component = python_component(
          normal_python_name(package.key), version,
          git.empty() ? std::string() : fmt::format("git+{}{}{}", git, commit.empty() ? "" : "@", commit),
          {});
      if (files.size() == 1) component.hashes.push_back(*hash_of_pair(files[0].second));
      if (section.key == "develop") component.scope = "excluded";
      const std::string key = component.purl;
      TRY(graph.add(key, std::move(component)));
      TRY(graph.connect("", key));
    }
  }
  return graph.finish();
}

}  // namespace tranche::sbom
