// Gemfile.lock: sections by indentation. Sources ("GEM", "GIT", "PATH") list specs at four blanks with their
// needs at six; DEPENDENCIES lists what the Gemfile asks for; CHECKSUMS (Bundler 2.5) the digests.
#include <algorithm>

#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

// "rake (13.0.6-x86_64-linux)" → {"rake", "13.0.6-x86_64-linux"}; "rake" → {"rake", ""}
std::pair<std::string_view, std::string_view> split_spec(std::string_view text) {
  const std::size_t open = text.find(" (");
  if (open == text.npos || !text.ends_with(')')) return {text, {}};
  return {text.substr(0, open), text.substr(open + 2, text.size() - open - 3)};
}

class Gemfile {
 public:
  explicit Gemfile(std::string file) : file_(std::move(file)), graph_(file_) {}

  Result<Catalog> read(std::string_view text) {
    TRY(check_text(text, file_));
    TRY(each_line(text, [&](const Line& line) { return take(line); }));
    if (!seen_)
      return fail_hint(ErrorKind::invalid, "bundle lock writes it", "{} is no Gemfile.lock",
                       printable(file_));
    for (auto& [spec, component] : components_) {
      if (const auto found = checksums_.find(spec); found != checksums_.end())
        component.hashes = {found->second};
      TRY(graph_.add(spec, component));
    }
    for (const auto& [from, name] : needs_) TRY(connect(from, name));
    for (const std::string& name : wanted_) TRY(connect("", name));
    return graph_.finish();
  }

 private:
  // A gem may be there once a platform.
  Result<> connect(const std::string& from, const std::string& name) {
    const auto named = by_name_.find(name);
    // "bundler" itself is needed by many and listed by none.
    if (named == by_name_.end())
      return graph_.connect(from, name, name == "bundler" ? Needed::optional : Needed::running);
    for (const std::string& key : named->second) TRY(graph_.connect(from, key));
    return {};
  }

  Result<> take(const Line& line) {
    const std::size_t indent = line.text.find_first_not_of(' ');
    if (indent == line.text.npos) return {};
    const std::string_view rest = trim(line.text);
    if (indent == 0) {
      section_ = rest;
      seen_ =
          seen_ || section_ == "GEM" || section_ == "GIT" || section_ == "PATH" || section_ == "DEPENDENCIES";
      remote_.clear();
      revision_.clear();
      spec_.clear();
      return {};
    }
    const bool source =
        section_ == "GEM" || section_ == "GIT" || section_ == "PATH" || section_ == "PLUGIN SOURCE";
    if (source && indent == 2) {
      if (rest.starts_with("remote: ")) remote_ = rest.substr(8);
      if (rest.starts_with("revision: ")) revision_ = rest.substr(10);
    } else if (source && indent == 4) {
      return take_spec(line, rest);
    } else if (source && indent == 6 && !spec_.empty()) {
      needs_.emplace_back(spec_, std::string(split_spec(rest).first));
    } else if (section_ == "DEPENDENCIES" && indent == 2) {
      std::string_view name = split_spec(rest).first;
      if (name.ends_with('!')) name.remove_suffix(1);
      wanted_.emplace_back(trim(name));
    } else if (section_ == "CHECKSUMS" && indent == 2) {
      const std::size_t end = rest.find(") ");
      if (end == rest.npos) return {};
      if (auto hash = hash_of_pair(trim(rest.substr(end + 2))))
        checksums_.emplace(std::string(rest.substr(0, end + 1)), std::move(*hash));
    }
    if (needs_.size() + wanted_.size() > max_edges)
      return fail(ErrorKind::invalid, "{} has more than {} dependencies", printable(file_), max_edges);
    return {};
  }

  Result<> take_spec(const Line& line, std::string_view rest) {
    const auto [name, written] = split_spec(rest);
    spec_.clear();
    if (written.empty()) {
      graph_.warn(line.number, fmt::format("'{}' has no version", printable(rest)));
      return {};
    }
    // Versions have no '-' in RubyGems: what follows is a platform.
    const std::size_t dash = written.find('-');
    const std::string_view version = written.substr(0, dash);
    std::vector<std::pair<std::string, std::string>> qualifiers;
    if (dash != written.npos) qualifiers.emplace_back("platform", std::string(written.substr(dash + 1)));
    if (section_ == "GIT")
      qualifiers.emplace_back("vcs_url",
                              fmt::format("git+{}{}{}", remote_, revision_.empty() ? "" : "@", revision_));
    if (section_ == "GEM" && !remote_.empty() && remote_ != "https://rubygems.org/" &&
        remote_ != "https://rubygems.org")
      qualifiers.emplace_back("repository_url", remote_);
    Component component;
    component.name = name;
    component.version = version;
    component.purl = make_purl("gem", "", name, version, std::move(qualifiers));
    spec_ = rest;
    if (components_.size() >= max_components)
      return fail(ErrorKind::invalid, "{} has more than {} packages", printable(file_), max_components);
    if (components_.emplace(spec_, std::move(component)).second) by_name_[std::string(name)].push_back(spec_);
    return {};
  }

  std::string file_;
  LockGraph graph_;
  bool seen_ = false;
  std::string section_, remote_, revision_, spec_;
  std::map<std::string, Component> components_;  // "name (version-platform)" →
  std::map<std::string, std::vector<std::string>> by_name_;
  std::map<std::string, Hash> checksums_;
  std::vector<std::pair<std::string, std::string>> needs_;  // spec, name
  std::vector<std::string> wanted_;
};

}  // namespace

Result<Catalog> catalog_gemfile_lock(std::string_view text, const std::string& file) {
  return Gemfile(file).read(text);
}

}  // namespace tranche::sbom
