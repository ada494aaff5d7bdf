#include "spec/argo_files.hpp"

#include "base/text.hpp"
#include "spec/include.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t max_file_bytes = 256 * 1024;

void read_one(ports::Files& files, const std::string& repository, const ArgoFile& file, Gate& gate,
              Problems& problems) {
  const auto refuse = [&](const std::string& message, const std::string& hint) {
    problems.add(file.place, fmt::format("{} (argo of gate '{}')", message, gate.name), hint);
  };
  const auto whole = path_inside(files, repository, file.path);
  if (!whole) return refuse(whole.error().message, whole.error().hint);
  const auto text = files.read(*whole, max_file_bytes);
  if (!text) return refuse(text.error().message, "a template has at most 256 KiB");
  if (!*text)
    return refuse(fmt::format("no file '{}'", printable(file.path, 64)),
                  "correct the path; it is relative to the repository");
  const std::string shown = repository == "." ? file.path : repository + "/" + file.path;
  auto document = doc::parse_yaml(**text, shown);
  if (!document) return problems.add_error(std::move(document.error()));
  gate.argo.templates.push_back(std::move(*document));
}

}  // namespace

void read_argo_files(ports::Files& files, const std::string& repository, App& app, Problems& problems) {
  for (Gate& gate : app.gates) {
    if (gate.kind != Gate::Kind::argo) continue;
    if (!gate.argo.templates.empty()) {
      problems.add(gate.place, fmt::format("gate '{}' has templates of its own", gate.name),
                   "they are read from the files of `argo`: remove `templates`");
      continue;
    }
    for (const ArgoFile& file : gate.argo.files)
      if (!file.path.empty()) read_one(files, repository, file, gate, problems);
  }
}

}  // namespace tranche::spec
