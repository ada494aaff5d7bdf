// requirements.txt (pip.pypa.io/en/stable/reference/requirements-file-format). A requirement without an exact
// version says what would do, not what is there: it is listed without a version, and a warning says so.
#include <algorithm>

#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"
#include "sbom/python.hpp"

namespace tranche::sbom {

namespace {

class Requirements {
 public:
  explicit Requirements(std::string file) : file_(std::move(file)), graph_(file_) {}

  Result<Catalog> read(std::string_view text) {
    TRY(check_text(text, file_));
    TRY(each_line(text, [&](const Line& line) -> Result<> {
      std::string_view rest = line.text;
      // A comment begins the line or follows a blank.
      for (std::size_t at = rest.find('#'); at != rest.npos; at = rest.find('#', at + 1))
        if (at == 0 || rest[at - 1] == ' ' || rest[at - 1] == '\t') {
          rest = rest.substr(0, at);
          break;
        }
      if (joined_.empty()) number_ = line.number;
      if (rest.ends_with('\\')) {
        joined_.append(rest.substr(0, rest.size() - 1)).append(" ");
        return {};
      }
      joined_ += rest;
      const std::string whole = std::move(joined_);
      joined_.clear();
      return take(trim(whole));
    }));
    TRY(take(trim(joined_)));
    return graph_.finish();
  }

 private:
  // "1.2.3" of ">=1, ==1.2.3": the exact version among the clauses; empty when there is none.
  static std::string_view exact_version(std::string_view specifier) {
    for (std::string_view clause : split(specifier, ',')) {
      clause = trim(clause);
      if (!clause.starts_with("==")) continue;
      clause.remove_prefix(clause.starts_with("===") ? 3 : 2);
      clause = trim(clause);
      if (!clause.empty() && clause.find('*') == clause.npos) return clause;
    }
    return {};
  }

  Result<> take(std::string_view text) {
    if (text.empty()) return {};
    if (text.starts_with('-')) {
      const std::string_view option = text.substr(0, text.find_first_of(" ="));
      if (option == "-r" || option == "--requirement" || option == "-e" || option == "--editable")
        graph_.warn(number_, fmt::format("'{}' is not followed", printable(text)));
      return {};
    }
    const std::string_view name = requirement_name(text);
    std::string_view rest = trim(text.substr(name.size()));
    std::vector<std::pair<std::string, std::string>> files;
    for (std::size_t at = rest.find("--hash"); at != rest.npos; at = rest.find("--hash", at + 1)) {
      std::string_view hash = rest.substr(std::min(rest.size(), at + 7));
      hash = hash.substr(0, hash.find_first_of(" \t"));
      if (hash_of_pair(hash)) files.emplace_back("", std::string(hash));
    }
    rest = rest.substr(0, rest.find("--hash"));
    rest = rest.substr(0, rest.find(" --"));
    std::string_view marker;
    if (const std::size_t at = rest.find(';'); at != rest.npos && rest.find("://") == rest.npos) {
      marker = trim(rest.substr(at + 1));
      rest = rest.substr(0, at);
    }
    if (rest.starts_with('[')) {
      const std::size_t end = rest.find(']');
      rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    }
    rest = trim(rest);
    if (rest.size() >= 2 && rest.front() == '(' && rest.back() == ')') rest = rest.substr(1, rest.size() - 2);
    const bool address = rest.starts_with('@');
    const bool comparison = rest.empty() || std::string_view("=<>!~").find(rest[0]) != std::string_view::npos;
    if (name.empty() || (!address && !comparison)) {
      graph_.warn(number_, fmt::format("'{}' names no package", printable(text)));
      return {};
    }
    std::string_view url = address ? trim(rest.substr(1)) : std::string_view();
    url = url.substr(0, url.find_first_of(" ;"));
    const std::string_view version = address ? std::string_view() : exact_version(rest);
    if (version.empty() && !address)
      graph_.warn(number_,
                  fmt::format("'{}' is not pinned to a version: pip freeze or pip-compile writes them",
                              printable(name)));
    Component component =
        python_component(normal_python_name(name), version, is_git_address(url) ? url : "", {});
    if (files.size() == 1) component.hashes.push_back(*hash_of_pair(files[0].second));
    if (address && !is_git_address(url)) component.download = url;
    if (!marker.empty()) component.properties.emplace_back("python:marker", std::string(marker));
    const std::string key = component.purl;
    TRY(graph_.add(key, std::move(component)));
    return graph_.connect("", key);
  }

  std::string file_;
  LockGraph graph_;
  std::string joined_;
  int number_ = 0;
};

}  // namespace

Result<Catalog> catalog_requirements(std::string_view text, const std::string& file) {
  return Requirements(file).read(text);
}

}  // namespace tranche::sbom
