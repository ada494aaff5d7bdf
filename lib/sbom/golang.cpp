// go.mod, with go.sum beside it. Since Go 1.17 a go.mod names every module of the build, the indirect ones
// with a comment; before, it named only the direct ones, and go.sum all that were ever looked at: of those,
// the newest version of a module whose content (not only its go.mod) was hashed is the best that can be said
// without the network, and a warning says so.
#include <algorithm>

#include "base/text.hpp"
#include "base/version.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

struct Module {
  std::string path, version;
  auto operator<=>(const Module&) const = default;
};

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '`') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  const std::string blanks = replace_all(std::string(text), "\t", " ");
  for (const std::string_view word : split(blanks, ' '))
    if (!word.empty()) words.push_back(unquoted(word));
  return words;
}

class GoMod {
 public:
  explicit GoMod(std::string file) : file_(std::move(file)), graph_(file_) {}

  Result<Catalog> read(std::string_view mod, std::string_view sum) {
    TRY(check_text(mod, file_));
    TRY(check_text(sum, "go.sum beside " + file_));
    TRY(each_line(mod, [&](const Line& line) { return take(line); }));
    if (graph_.main.name.empty())
      return fail_hint(ErrorKind::invalid, "go mod init writes it", "{} names no module", printable(file_));
    TRY(read_sum(sum));
    for (const auto& [module, direct] : required_) TRY(add(module, direct));
    if (!complete_) TRY(add_from_sum());
    return graph_.finish();
  }

 private:
  Result<> take(const Line& line) {
    const std::size_t comment = line.text.find("//");
    const std::string_view code = trim(line.text.substr(0, comment));
    const std::string_view note =
        comment == line.text.npos ? std::string_view() : trim(line.text.substr(comment + 2));
    if (code.empty()) return {};
    std::vector<std::string> words = words_of(code);
    if (words[0] == ")") {
      block_.clear();
      return {};
    }
    std::string verb = block_;
    if (verb.empty()) {
      verb = words[0];
      words.erase(words.begin());
      if (!words.empty() && words[0] == "(") {
        block_ = verb;
        return {};
      }
    }
    const auto wrong = [&] {
      graph_.warn(line.number, fmt::format("'{}' is no line of a go.mod", printable(code)));
    };
    if (verb == "module") {
      if (words.size() != 1) return wrong(), Result<>();
      graph_.main.name = words[0];
      graph_.main.purl = make_golang_purl({words[0], ""});
    } else if (verb == "go") {
      const auto parts = split(words.empty() ? std::string_view() : std::string_view(words[0]), '.');
      const auto minor = parts.size() < 2 ? std::nullopt : parse_u64(parts[1]);
      complete_ = minor && *minor >= 17;
    } else if (verb == "require") {
      if (words.size() != 2) return wrong(), Result<>();
      const bool indirect = note == "indirect" || note.starts_with("indirect;");
      required_.emplace_back(Module{words[0], words[1]}, !indirect);
      if (required_.size() > max_components)
        return fail(ErrorKind::invalid, "{} has more than {} packages", printable(file_), max_components);
    } else if (verb == "replace") {
      const auto arrow = std::ranges::find(words, "=>");
      const auto before = arrow - words.begin();
      const auto after = words.end() - arrow - 1;
      if (arrow == words.end() || before < 1 || before > 2 || after < 1 || after > 2)
        return wrong(), Result<>();
      replaced_[{words[0], before == 2 ? words[1] : ""}] = {arrow[1], after == 2 ? arrow[2] : ""};
    }
    return {};
  }

  static std::string make_golang_purl(const Module& module) {
    const std::size_t slash = module.path.rfind('/');
    return make_purl("golang", slash == std::string::npos ? "" : module.path.substr(0, slash),
                     slash == std::string::npos ? module.path : module.path.substr(slash + 1),
                     module.version);
  }

  Result<> add(const Module& required, bool direct) {
    Module module = required;
    std::string by_directory;
    auto found = replaced_.find(required);
    if (found == replaced_.end()) found = replaced_.find({required.path, ""});
    if (found != replaced_.end() && found->second.version.empty())
      by_directory = found->second.path;
    else if (found != replaced_.end())
      module = found->second;
    Component component;
    component.name = module.path;
    component.version = module.version;
    component.purl = make_golang_purl(module);
    if (!by_directory.empty()) component.properties.emplace_back("go:replaced-by", by_directory);
    // A digest over the digests of the files (golang.org/x/mod/sumdb/dirhash), not one of a file: no hash.
    if (const auto sum = sums_.find(module); sum != sums_.end() && by_directory.empty())
      component.properties.emplace_back("go:sum", sum->second);
    TRY(graph_.add(component.purl, component));
    if (direct) TRY(graph_.connect("", component.purl));
    return {};
  }

  Result<> read_sum(std::string_view text) {
    int wrong = 0;
    int first = 0;
    TRY(each_line(text, [&](const Line& line) -> Result<> {
      if (trim(line.text).empty()) return {};
      const auto words = words_of(line.text);
      if (words.size() != 3 || !words[2].starts_with("h1:")) {
        if (wrong++ == 0) first = line.number;
      } else if (!words[1].ends_with("/go.mod")) {
        sums_.emplace(Module{words[0], words[1]}, words[2]);
      }
      if (sums_.size() > max_components)
        return fail(ErrorKind::invalid, "go.sum beside {} has more than {} lines", printable(file_),
                    max_components);
      return {};
    }));
    if (wrong > 0) graph_.warn(0, fmt::format("go.sum:{}: {} lines are no lines of a go.sum", first, wrong));
    return {};
  }

  static bool is_newer(const std::string& a, const std::string& b) {
    return compare_versions(std::string_view(a).substr(a.starts_with('v') ? 1 : 0),
                            std::string_view(b).substr(b.starts_with('v') ? 1 : 0)) > 0;
  }

  Result<> add_from_sum() {
    std::set<std::string> known;
    for (const auto& [module, direct] : required_) known.insert(module.path);
    std::map<std::string, std::string> newest;
    for (const auto& [module, sum] : sums_) {
      if (known.contains(module.path)) continue;
      std::string& version = newest[module.path];
      if (version.empty() || is_newer(module.version, version)) version = module.version;
    }
    if (newest.empty()) return {};
    graph_.warn(
        0,
        fmt::format("it is of Go before 1.17 and names direct modules only: {} more are taken from go.sum; "
                    "go mod tidy -go=1.17 names them",
                    newest.size()));
    for (const auto& [path, version] : newest) TRY(add({path, version}, false));
    return {};
  }

  std::string file_;
  LockGraph graph_;
  std::string block_;
  bool complete_ = false;
  std::vector<std::pair<Module, bool>> required_;
  // What is replaced (no version: any) → by what (no version: a directory).
  std::map<Module, Module> replaced_;
  std::map<Module, std::string> sums_;
};

}  // namespace

Result<Catalog> catalog_go_mod(std::string_view mod, std::string_view sum, const std::string& file) {
  return GoMod(file).read(mod, sum);
}

}  // namespace tranche::sbom
