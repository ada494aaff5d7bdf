#include "sbom/installed.hpp"

#include <algorithm>

#include "base/deb822.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/deb.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

constexpr std::size_t max_status_bytes = 128 << 20;
constexpr std::size_t max_copyright_bytes = 1 << 20;
constexpr std::size_t max_answer_bytes = 64 << 20;
constexpr const char* dpkg_status = "var/lib/dpkg/status";
constexpr const char* rpm_databases[] = {"usr/lib/sysimage/rpm", "var/lib/rpm"};

std::string_view field(const Deb822Stanza& stanza, std::string_view name) {
  return stanza.find(name).value_or(std::string_view());
}

std::string distro_of(const Distribution& distribution) {
  return distribution.id.empty() || distribution.version.empty()
             ? ""
             : distribution.id + "-" + distribution.version;
}

// True for a path below root that leads nowhere else.
Result<bool> is_inside(ports::Files& files, const std::string& root, const std::string& path) {
  const auto real = files.real_path(path);
  if (!real) return false;
  return is_within(TRY(files.real_path(root)), *real);
}

// Of /usr/share/doc/NAME/copyright; none when it is not there, or of another form.
Result<std::vector<std::string>> installed_licenses(ports::Files& files, const std::string& root,
                                                    const std::string& name) {
  const std::string path = join_path(root, fmt::format("usr/share/doc/{}/copyright", name));
  if (name.find('/') != std::string::npos || !TRY(files.info(path)) || !TRY(is_inside(files, root, path)))
    return std::vector<std::string>();
  const std::string real = TRY(files.real_path(path));
  const auto info = TRY(files.info(real));
  if (!info || info->kind != ports::FileInfo::Kind::file || info->size > max_copyright_bytes)
    return std::vector<std::string>();
  return read_debian_copyright(TRY(files.read(real, max_copyright_bytes)).value_or(""));
}

}  // namespace

const char* const rpm_query_format =
    "%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{LICENSE}\\t%{VENDOR}\\t%{SOURCERPM}\\t"
    "[%{PROVIDENAME} ]\\t[%{REQUIRENAME} ]\\n";

Result<bool> is_installed_system(ports::Files& files, const std::string& root) {
  if (TRY(files.info(join_path(root, dpkg_status)))) return true;
  for (const char* database : rpm_databases)
    for (const char* name : {"rpmdb.sqlite", "Packages", "Packages.db"})
      if (TRY(files.info(join_path(join_path(root, database), name)))) return true;
  return false;
}

Result<Catalog> catalog_dpkg_status(std::string_view text, const std::string& file,
                                    const Distribution& distribution) {
  const auto stanzas = TRY_WHILE("reading " + printable(file), parse_deb822(text));
  LockGraph graph(file);
  std::map<std::string, std::vector<std::string>, std::less<>> providers;  // name → keys
  std::vector<std::pair<std::string, std::string_view>> relations;         // key, text of Depends
  for (const Deb822Stanza& stanza : stanzas) {
    // Images without dpkg itself keep stanzas without a status (var/lib/dpkg/status.d).
    const std::string_view status = field(stanza, "Status");
    if (!status.empty() && !status.ends_with(" installed")) continue;
    Component component = debian_component(stanza, distribution);
    const std::string name = component.name;
    if (name.empty() || component.version.empty()) {
      graph.warn(0, fmt::format("a package has no {}", name.empty() ? "name" : "version"));
      continue;
    }
    const std::string_view architecture = field(stanza, "Architecture");
    const std::string key = fmt::format("{}:{}", name, architecture);
    TRY(graph.add(key, std::move(component)));
    providers[name].push_back(key);
    for (const std::string_view provided : split(field(stanza, "Provides"), ','))
      if (const std::string_view other = relation_name(provided); !other.empty() && other != name)
        providers[std::string(other)].push_back(key);
    for (const char* relation : {"Pre-Depends", "Depends"})
      if (const std::string_view needs = field(stanza, relation); !needs.empty())
        relations.emplace_back(key, needs);
  }
  for (const auto& [key, needs] : relations) {
    for (const std::string_view need : split(needs, ',')) {
      for (const std::string_view alternative : split(need, '|')) {
        const auto found = providers.find(relation_name(alternative));
        if (found == providers.end()) continue;
        // Of several architectures the own one, else the first.
        const std::string own = std::string(relation_name(alternative)) + key.substr(key.rfind(':'));
        TRY(graph.connect(key, graph.contains(own) ? own : found->second.front()));
        break;
      }
    }
  }
  TRY(graph.need_the_rest());
  return graph.finish();
}

Result<Catalog> catalog_rpm_query(std::string_view text, const std::string& file,
                                  const Distribution& distribution) {
  LockGraph graph(file);
  std::map<std::string, std::string, std::less<>> providers;  // capability → key
  std::vector<std::pair<std::string, std::string>> relations;
  TRY(each_line(text, [&](const Line& line) -> Result<> {
    if (line.text.empty()) return {};
    const auto words = split(line.text, '\t');
    if (words.size() != 10) {
      graph.warn(line.number, "this is no line of rpm's answer");
      return {};
    }
    const auto word = [&](std::size_t i) {
      return words[i] == "(none)" || !is_valid_utf8(words[i]) ? std::string() : std::string(words[i]);
    };
    if (word(0) == "gpg-pubkey" || word(4).empty()) return {};  // keys are kept as packages
    Component component;
    component.name = word(0);
    component.version = word(3).empty() ? word(2) : fmt::format("{}-{}", word(2), word(3));
    component.purl = make_purl("rpm", distribution.id, component.name, component.version,
                               {{"arch", word(4)}, {"epoch", word(1)}, {"distro", distro_of(distribution)}});
    if (!word(5).empty()) component.licenses.push_back(word(5));
    component.supplier = word(6);
    if (!word(7).empty()) component.properties.emplace_back("rpm:source", word(7));
    const std::string key = component.purl;
    for (const std::string_view capability : split(words[8], ' '))
      if (!capability.empty()) providers.emplace(std::string(capability), key);
    relations.emplace_back(key, std::string(words[9]));
    return graph.add(key, std::move(component));
  }));
  for (const auto& [key, needs] : relations)
    for (const std::string_view need : split(needs, ' '))
      if (const auto found = providers.find(need); found != providers.end())
        TRY(graph.connect(key, found->second));
  TRY(graph.need_the_rest());
  return graph.finish();
}

Result<Catalog> catalog_installed_system(ports::Files& files, ports::Process* process,
                                         const std::string& root) {
  std::vector<Catalog> catalogs;
  const Distribution distribution = TRY(read_distribution(files, root));
  const std::string status = join_path(root, dpkg_status);
  if (TRY(files.info(status)) && TRY(is_inside(files, root, status)))
    if (const auto text = TRY(files.read(TRY(files.real_path(status)), max_status_bytes))) {
      catalogs.push_back(TRY(catalog_dpkg_status(*text, status, distribution)));
      for (Component& component : catalogs.back().components)
        component.licenses = TRY(installed_licenses(files, root, component.name));
    }
  for (const char* name : rpm_databases) {
    const std::string database = join_path(root, name);
    if (!TRY(files.info(database)) || !TRY(is_inside(files, root, database))) continue;
    const std::string directory = TRY(files.real_path(database));
    const std::vector<std::string> names = TRY(files.list(directory));
    const bool filled = std::ranges::any_of(names, [](const std::string& entry) {
      return entry == "rpmdb.sqlite" || entry.starts_with("Packages");
    });
    if (!filled) continue;
    Catalog none;
    none.warnings.push_back(
        fmt::format("{}: the packages of rpm's database are not listed: the program rpm is missing",
                    printable(database)));
    if (process == nullptr) {
      catalogs.push_back(std::move(none));
      continue;
    }
    ports::ProcessRequest request;
    request.argv = {"rpm", "--dbpath", directory, "-qa", "--qf", rpm_query_format};
    request.max_output_bytes = max_answer_bytes;
    const auto answer = process->run(request);
    if (!answer || answer->exit_code != 0 || answer->cut) {
      if (answer)
        none.warnings.back() =
            fmt::format("{}: rpm -qa {}: {}", printable(database), answer->cut ? "says too much" : "failed",
                        printable(trim(answer->err)));
      catalogs.push_back(std::move(none));
      continue;
    }
    catalogs.push_back(TRY(catalog_rpm_query(answer->out, database, distribution)));
    break;  // one is a link to the other
  }
  if (catalogs.size() == 1) return std::move(catalogs.front());
  return merge({}, std::move(catalogs));
}

}  // namespace tranche::sbom
