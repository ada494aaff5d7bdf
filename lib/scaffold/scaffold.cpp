#include "scaffold/scaffold.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::scaffold {
namespace {

constexpr std::size_t max_project_file = 1 << 20;
constexpr std::size_t max_name = 63;

Result<std::optional<std::string>> read_small(ports::Files& files, const std::string& directory,
                                              const std::string& name) {
  const std::string path = directory.empty() ? name : directory + "/" + name;
  const auto info = TRY(files.info(path));
  if (!info || info->kind != ports::FileInfo::Kind::file || info->size > max_project_file)
    return std::optional<std::string>();
  return files.read(path, max_project_file);
}

// `key = "value"` inside [section] of a TOML file: enough for names, and no TOML parser for one line.
std::string toml_text(std::string_view text, std::string_view section, std::string_view key) {
  bool inside = false;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.starts_with('[')) inside = line == fmt::format("[{}]", section);
    if (!inside || !line.starts_with(key)) continue;
    std::string_view rest = trim(line.substr(key.size()));
    if (!rest.starts_with('=')) continue;
    rest = trim(rest.substr(1));
    if (rest.size() < 2 || (rest.front() != '"' && rest.front() != '\'')) continue;
    const auto end = rest.find(rest.front(), 1);
    if (end != std::string_view::npos) return std::string(rest.substr(1, end - 1));
  }
  return {};
}

// The first word inside project(...).
std::string cmake_project(std::string_view text) {
  const std::string low = lower(text);
  const auto at = low.find("project(");
  if (at == std::string::npos) return {};
  const std::string_view rest = trim(text.substr(at + 8, 256));
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n)")));
}

std::string go_module(std::string_view text) {
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (!line.starts_with("module ")) continue;
    const std::string_view path = trim(line.substr(7));
    const auto slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
  }
  return {};
}

bool has_member(const doc::Value& package, std::string_view table, std::string_view name) {
  const doc::Value* found = package.find(table);
  return found != nullptr && found->find(name) != nullptr;
}

Facts npm_facts(std::string_view text, const std::string& fallback_name) {
  Facts facts{.app = fallback_name, .kind = "npm", .found_in = "package.json", .artifacts = {"dist/*"}};
  const auto package = doc::parse_json(text, "package.json");
  if (!package || !package->is_object()) return facts;
  if (const doc::Value* name = package->find("name"); name != nullptr && name->is_string()) {
    const std::string& full = name->as_string();
    const auto slash = full.find('/');  // "@scope/name"
    facts.app = slash == std::string::npos ? full : full.substr(slash + 1);
  }
  for (const char* table : {"dependencies", "devDependencies"})
    for (const char* name : {"electron", "electron-builder"})
      if (has_member(*package, table, name)) {
        facts.kind = "electron";
        facts.artifacts = {"dist/*.AppImage", "dist/*.deb"};
      }
  return facts;
}

}  // namespace

std::string to_name(std::string_view text) {
  std::string name;
  for (const char c : lower(text)) {
    const bool keeps = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (keeps)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name.resize(std::min(name.size(), max_name));
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "app" : name;
}

Result<Facts> detect(ports::Files& files, const std::string& directory, const std::string& fallback_name) {
  Facts facts{.app = fallback_name, .artifacts = {"dist/*"}};
  if (const auto text = TRY(read_small(files, directory, "package.json"))) {
    facts = npm_facts(*text, fallback_name);
  } else if (const auto cargo = TRY(read_small(files, directory, "Cargo.toml"))) {
    const std::string name = toml_text(*cargo, "package", "name");
    facts = {
        .app = name, .kind = "cargo", .found_in = "Cargo.toml", .artifacts = {"target/release/*.tar.gz"}};
  } else if (const auto cmake = TRY(read_small(files, directory, "CMakeLists.txt"))) {
    facts = {.app = cmake_project(*cmake),
             .kind = "cmake",
             .found_in = "CMakeLists.txt",
             .artifacts = {"build/*.deb", "build/*.tar.gz"}};
  } else if (const auto go = TRY(read_small(files, directory, "go.mod"))) {
    facts = {.app = go_module(*go), .kind = "go", .found_in = "go.mod", .artifacts = {"dist/*"}};
  } else if (const auto python = TRY(read_small(files, directory, "pyproject.toml"))) {
    facts = {.app = toml_text(*python, "project", "name"),
             .kind = "python",
             .found_in = "pyproject.toml",
             .artifacts = {"dist/*"}};
  }
  facts.app =
      to_name(facts.app.empty() || facts.app.find('$') != std::string::npos ? fallback_name : facts.app);
  return facts;
}

Result<std::string> render(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string out;
  std::set<std::string> used;
  while (!text.empty()) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return fail(ErrorKind::bug, "a template has '{{{{' without '}}}}'");
    const std::string name(text.substr(open + 2, close - open - 2));
    const auto found = values.find(name);
    if (found == values.end()) return fail(ErrorKind::bug, "a template asks for '{}'", name);
    out += found->second;
    used.insert(name);
    text.remove_prefix(close + 2);
  }
  for (const auto& [name, value] : values)
    if (!used.contains(name)) return fail(ErrorKind::bug, "no template asks for '{}'", name);
  return out;
}

std::string add_lines(const std::string& old, std::string_view heading,
                      const std::vector<std::string>& lines) {
  std::set<std::string_view> have;
  for (const std::string_view line : split(old, '\n')) have.insert(trim(line));
  std::string added;
  for (const auto& line : lines)
    if (!have.contains(line)) added += line + "\n";
  if (added.empty()) return old;
  std::string text = old;
  if (!text.empty() && !text.ends_with('\n')) text += "\n";
  return text + std::string(heading) + "\n" + added;
}

}  // namespace tranche::scaffold
