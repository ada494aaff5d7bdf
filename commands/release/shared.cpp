#include "commands/release/shared.hpp"

#include "base/text.hpp"
#include "commands/support.hpp"

namespace tranche::commands {

doc::Value release_json(const artifact::Manifest& manifest, std::string_view sha256,
                        std::string_view schema) {
  doc::Value artifacts = doc::Value::array();
  for (const artifact::Artifact& item : manifest.artifacts)
    artifacts.push(doc::Value::object(
        {{"name", item.name}, {"platform", item.platform}, {"size", item.size}, {"sha256", item.sha256}}));
  doc::Value sboms = doc::Value::array();
  for (const artifact::Document& item : manifest.sboms)
    sboms.push(doc::Value::object(
        {{"name", item.name}, {"format", item.type}, {"size", item.size}, {"sha256", item.sha256}}));
  doc::Value out = doc::Value::object({{"schema", schema},
                                       {"app", manifest.app},
                                       {"version", manifest.version},
                                       {"created", to_text(manifest.created)},
                                       {"manifest-sha256", sha256},
                                       {"artifacts", artifacts},
                                       {"sboms", sboms}});
  if (!manifest.attestations.empty()) {
    doc::Value list = doc::Value::array();
    for (const artifact::Document& item : manifest.attestations)
      list.push(doc::Value::object({{"name", item.name},
                                    {"predicate-type", item.type},
                                    {"size", item.size},
                                    {"sha256", item.sha256}}));
    out.set("attestations", std::move(list));
  }
  if (!manifest.signatures.empty()) {
    doc::Value list = doc::Value::array();
    for (const artifact::Document& item : manifest.signatures)
      list.push(doc::Value::object(
          {{"name", item.name}, {"format", item.type}, {"size", item.size}, {"sha256", item.sha256}}));
    out.set("signatures", std::move(list));
  }
  if (!manifest.behaviour.empty()) {
    doc::Value list = doc::Value::array();
    for (const artifact::Behaviour& item : manifest.behaviour)
      list.push(doc::Value::object(
          {{"kind", item.kind}, {"name", item.name}, {"size", item.size}, {"sha256", item.sha256}}));
    out.set("behaviour", std::move(list));
  }
  if (!manifest.same_as.empty()) out.set("same-as", manifest.same_as);
  if (!manifest.fallback_for.empty()) out.set("fallback-for", manifest.fallback_for);
  return out;
}

std::string release_text(const artifact::Manifest& manifest, std::string_view sha256) {
  std::string out = fmt::format("{} {}  manifest {}\n", manifest.app, manifest.version, short_id(sha256));
  Table table;
  for (const artifact::Artifact& item : manifest.artifacts)
    table.row({item.name, item.platform, format_bytes(item.size), short_id(item.sha256)});
  for (const artifact::Document& item : manifest.sboms)
    table.row({item.name, item.type, format_bytes(item.size), short_id(item.sha256)});
  for (const artifact::Document& item : manifest.attestations)
    table.row({item.name, printable(item.type, 60), format_bytes(item.size), short_id(item.sha256)});
  for (const artifact::Document& item : manifest.signatures)
    table.row({item.name, item.type, format_bytes(item.size), short_id(item.sha256)});
  for (const artifact::Behaviour& item : manifest.behaviour)
    table.row({printable(item.name), item.kind, format_bytes(item.size), short_id(item.sha256)});
  return out + table.text(2);
}

}  // namespace tranche::commands
