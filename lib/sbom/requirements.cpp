// requirements.txt (pip.pypa.io/en/stable/reference/requirements-file-format). A requirement without an exact
// version says what would do, not what is there: unless a constraint or another line pins it, it is listed
// without a version, and a warning says so.
//
// -r and -c name other files. They are followed as far as the caller lets them be read; each once, so that a
// circle ends.
#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"
#include "sbom/python.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_other_files = 100;
constexpr int max_other_depth = 16;

enum class Role : std::uint8_t { requirements, constraints };

// What a file's name says: "left_pad-1.0-py3-none-any.whl" (PEP 427), "left-pad-1.0.tar.gz" (PEP 625). Empty
// when it says nothing.
struct Distribution {
  std::string_view name, version;
};
Distribution distribution_of(std::string_view file) {
  file = file.substr(file.rfind('/') + 1);
  if (file.ends_with(".whl")) {
    const auto parts = split(file, '-');
    if (parts.size() < 5) return {};
    return {parts[0], parts[1]};
  }
  for (const std::string_view ending : {".tar.gz", ".zip"}) {
    if (!file.ends_with(ending)) continue;
    const std::string_view stem = file.substr(0, file.size() - ending.size());
    const std::size_t dash = stem.rfind('-');
    if (dash == stem.npos || dash + 1 == stem.size() || stem[dash + 1] < '0' || stem[dash + 1] > '9')
      return {};
    return {stem.substr(0, dash), stem.substr(dash + 1)};
  }
  return {};
}

bool is_vcs_address(std::string_view address) {
  for (const std::string_view start : {"hg+", "svn+", "bzr+"})
    if (address.starts_with(start)) return true;
  return is_git_address(address);
}

// True for what stands in place of a name: an address, or a path.
bool is_place(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(" ;"));
  const std::size_t scheme = word.find("://");
  if (scheme != word.npos && scheme < word.find('@')) return true;
  return is_vcs_address(word) || word.starts_with('.') || word.starts_with('/') || word.ends_with(".whl") ||
         word.ends_with(".tar.gz") || word.ends_with(".zip");
}

// One member of "#egg=NAME&sha256=HEX"; empty when there is none.
std::string_view fragment_of(std::string_view address, std::string_view member) {
  const std::size_t at = address.find('#');
  if (at == address.npos) return {};
  for (const std::string_view pair : split(address.substr(at + 1), '&'))
    if (pair.starts_with(member) && pair.substr(member.size()).starts_with('='))
      return pair.substr(member.size() + 1);
  return {};
}

class Requirements {
 public:
  Requirements(std::string file, const ReadOther& read_other)
      : file_(std::move(file)), read_other_(read_other), graph_(file_) {}

  Result<Catalog> read(std::string_view text) {
    seen_.insert({normal_path(file_), Role::requirements});
    TRY(read_file(text, file_, Role::requirements, 0));
    TRY(list());
    Catalog catalog = graph_.finish();
    catalog.covers = std::move(covers_);
    return catalog;
  }

 private:
  struct Place {
    std::string file;
    Role role;
    int depth;
    int line;
  };
  struct Entry {
    Component component;
    Place place;
    bool exact;  // has a version, or an address
  };

  Result<> read_file(std::string_view text, const std::string& file, Role role, int depth) {
    TRY(check_text(text, file));
    Place place{file, role, depth, 0};
    std::string joined;
    TRY(each_line(text, [&](const Line& line) -> Result<> {
      std::string_view rest = line.text;
      // A comment begins the line or follows a blank.
      for (std::size_t at = rest.find('#'); at != rest.npos; at = rest.find('#', at + 1))
        if (at == 0 || rest[at - 1] == ' ' || rest[at - 1] == '\t') {
          rest = rest.substr(0, at);
          break;
        }
      if (joined.empty()) place.line = line.number;
      if (rest.ends_with('\\')) {
        joined.append(rest.substr(0, rest.size() - 1)).append(" ");
        return {};
      }
      joined += rest;
      const std::string whole = std::move(joined);
      joined.clear();
      return take(trim(whole), place);
    }));
    return take(trim(joined), place);
  }

  void warn(const Place& place, std::string_view text) { graph_.warn(place.file, place.line, text); }

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

  // "-r FILE", "-rFILE", "--requirement FILE", "--requirement=FILE": what follows; nullopt: another option.
  static std::optional<std::string_view> option(std::string_view text, std::string_view brief,
                                                std::string_view name) {
    if (text.starts_with(name)) {
      text.remove_prefix(name.size());
      if (!text.empty() && text[0] != '=' && text[0] != ' ' && text[0] != '\t') return std::nullopt;
      return trim(text.substr(std::min<std::size_t>(text.size(), 1)));
    }
    if (!text.starts_with(brief)) return std::nullopt;
    return trim(text.substr(brief.size()));
  }

  Result<> take(std::string_view text, const Place& place) {
    if (text.empty()) return {};
    if (!text.starts_with('-')) return is_place(text) ? take_address(text, place) : take_name(text, place);
    if (const auto file = option(text, "-r", "--requirement")) return follow(*file, place, place.role);
    if (const auto file = option(text, "-c", "--constraint")) return follow(*file, place, Role::constraints);
    if (const auto address = option(text, "-e", "--editable")) return take_address(*address, place);
    return {};
  }

  Result<> follow(std::string_view name, const Place& place, Role role) {
    const std::string path = normal_path(join_path(directory_name(place.file), name));
    if (!seen_.insert({path, role}).second) return {};
    const auto refuse = [&](std::string_view why) -> Result<> {
      warn(place, fmt::format("'{}' is not followed: {}", printable(without_credentials(name)), why));
      return {};
    };
    if (name.find("://") != name.npos) return refuse("nothing is fetched");
    if (!read_other_) return refuse("it is not in the directory");
    if (seen_.size() > max_other_files || place.depth >= max_other_depth)
      return refuse(fmt::format("at most {} files are, {} deep", max_other_files, max_other_depth));
    const auto text = read_other_(path);
    if (!text && text.error().kind != ErrorKind::invalid) return fail(text.error());
    if (!text) return refuse(text.error().message);
    if (bytes_ + text->size() > max_lock_bytes)
      return refuse(fmt::format("all together have more than {} bytes", max_lock_bytes));
    bytes_ += text->size();
    covers_.push_back(path);
    if (const auto done = read_file(*text, path, role, place.depth + 1); !done) {
      if (done.error().kind != ErrorKind::invalid) return done;
      return refuse(done.error().message);
    }
    return {};
  }

  // The digests behind "--hash="; the requirement without options goes to `rest`.
  static std::vector<std::string> take_hashes(std::string_view& rest) {
    std::vector<std::string> hashes;
    for (std::size_t at = rest.find("--hash"); at != rest.npos; at = rest.find("--hash", at + 1)) {
      std::string_view hash = rest.substr(std::min(rest.size(), at + 7));
      hash = hash.substr(0, hash.find_first_of(" \t"));
      if (hash_of_pair(hash)) hashes.emplace_back(hash);
    }
    rest = rest.substr(0, rest.find("--hash"));
    rest = trim(rest.substr(0, rest.find(" --")));
    return hashes;
  }

  // An address or a path alone: what it is of is told by "#egg=", or by its file's name.
  Result<> take_address(std::string_view text, const Place& place) {
    const auto hashes = take_hashes(text);
    const std::size_t semicolon = text.find(" ;");
    const std::string_view marker =
        semicolon == text.npos ? std::string_view() : trim(text.substr(semicolon + 2));
    const std::string_view address = trim(text.substr(0, semicolon));
    const std::string_view bare = address.substr(0, address.find_first_of("#?"));
    const Distribution file = distribution_of(bare);
    std::string_view name = requirement_name(fragment_of(address, "egg"));
    if (name.empty()) name = file.name;
    if (name.empty()) {
      const bool local = address.find("://") == address.npos && !is_vcs_address(address);
      warn(place, fmt::format("'{}' names no package: {}", printable(without_credentials(address)),
                              local ? "a lockfile in that directory says what it needs"
                                    : "write it as NAME @ ADDRESS"));
      return {};
    }
    return keep(name, file.name.empty() ? std::string_view() : file.version, address, marker, hashes, place);
  }

  Result<> take_name(std::string_view text, const Place& place) {
    const std::string_view name = requirement_name(text);
    std::string_view rest = trim(text.substr(name.size()));
    const auto hashes = take_hashes(rest);
    if (rest.starts_with('[')) {
      const std::size_t end = rest.find(']');
      rest = end == rest.npos ? std::string_view() : trim(rest.substr(end + 1));
    }
    // In an address a ';' belongs to it unless a blank stands before.
    const bool with_address = rest.starts_with('@');
    const std::size_t semicolon = rest.find(with_address ? " ;" : ";");
    std::string_view marker;
    if (semicolon != rest.npos) {
      marker = trim(rest.substr(semicolon + (with_address ? 2 : 1)));
      rest = trim(rest.substr(0, semicolon));
    }
    if (rest.size() >= 2 && rest.front() == '(' && rest.back() == ')') rest = rest.substr(1, rest.size() - 2);
    const bool comparison = rest.empty() || std::string_view("=<>!~").find(rest[0]) != std::string_view::npos;
    if (name.empty() || (!with_address && !comparison)) {
      warn(place, fmt::format("'{}' names no package", printable(without_credentials(text))));
      return {};
    }
    if (!with_address) return keep(name, exact_version(rest), {}, marker, hashes, place);
    std::string_view address = trim(rest.substr(1));
    address = address.substr(0, address.find(' '));
    const Distribution file = distribution_of(address.substr(0, address.find_first_of("#?")));
    const bool same = normal_python_name(file.name) == normal_python_name(name);
    return keep(name, same ? file.version : std::string_view(), address, marker, hashes, place);
  }

  Result<> keep(std::string_view given_name, std::string_view version, std::string_view address,
                std::string_view marker, const std::vector<std::string>& hashes, const Place& place) {
    if (entries_.size() >= max_components)
      return fail(ErrorKind::invalid, "{} has more than {} packages", printable(file_), max_components);
    const std::string name = normal_python_name(given_name);
    if (place.role == Role::constraints) {
      if (!version.empty()) constraints_.emplace(name, version);
      return {};
    }
    const bool vcs = is_vcs_address(address);
    Entry entry{
        python_component(name, version, vcs ? address.substr(0, address.find('#')) : std::string_view(), {}),
        place, !version.empty() || !address.empty()};
    if (!vcs && address.starts_with("http")) entry.component.download = address;
    if (hashes.size() == 1) entry.component.hashes.push_back(*hash_of_pair(hashes[0]));
    if (hashes.empty())
      if (auto hash = hash_of_pair(fmt::format("sha256={}", fragment_of(address, "sha256"))))
        entry.component.hashes.push_back(std::move(*hash));
    if (!marker.empty()) entry.component.properties.emplace_back("python:marker", std::string(marker));
    if (entry.exact) pinned_.insert(name);
    entries_.push_back(std::move(entry));
    return {};
  }

  Result<> list() {
    for (Entry& entry : entries_) {
      Component& component = entry.component;
      if (!entry.exact) {
        if (pinned_.contains(component.name)) continue;  // another line says which
        const auto constraint = constraints_.find(component.name);
        if (constraint == constraints_.end()) {
          warn(entry.place,
               fmt::format("'{}' is not pinned to a version: pip freeze or pip-compile writes them",
                           printable(component.name)));
        } else {
          component.version = constraint->second;
          component.purl = make_purl("pypi", "", component.name, component.version);
        }
      }
      const std::string key = component.purl;
      TRY(graph_.add(key, std::move(component)));
      TRY(graph_.connect("", key));
    }
    return {};
  }

  std::string file_;
  const ReadOther& read_other_;
  LockGraph graph_;
  std::vector<Entry> entries_;
  std::set<std::string> pinned_;                    // names
  std::map<std::string, std::string> constraints_;  // name → version
  std::set<std::pair<std::string, Role>> seen_;
  std::vector<std::string> covers_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<Catalog> catalog_requirements(std::string_view text, const std::string& file,
                                     const ReadOther& read_other) {
  return Requirements(file, read_other).read(text);
}

}  // namespace tranche::sbom
