#include "sbom/diff.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "sbom/read.hpp"

namespace tranche::commands {
namespace {

Result<sbom::Bom> read(Context& context, const std::string& path) {
  return sbom::read_bom(TRY(read_input(context, path, sbom::max_bom_bytes)), path);
}

doc::Value about(const sbom::Bom& bom) {
  return doc::Value::object({{"name", bom.catalog.main.name},
                             {"version", bom.catalog.main.version},
                             {"format", bom.format},
                             {"components", static_cast<std::int64_t>(bom.catalog.components.size())}});
}

std::string shown(const std::string& text) { return text.empty() ? "none" : printable(text, 60); }

Result<Outcome> run(const Options& options, Context& context) {
  const sbom::Bom before = TRY(read(context, options.text("old")));
  const sbom::Bom after = TRY(read(context, options.text("new")));
  const auto changes = sbom::compare_catalogs(before.catalog, after.catalog);

  doc::Value list = doc::Value::array();
  Table table;
  for (const sbom::Change& change : changes) {
    const std::string_view kind = sbom::to_text(change.kind);
    doc::Value value = doc::Value::object({{"change", kind}, {"name", change.name}});
    value.set("version", change.version);
    if (!change.purl.empty()) value.set("purl", change.purl);
    const bool one_sided = change.kind == sbom::ChangeKind::added || change.kind == sbom::ChangeKind::removed;
    if (!one_sided) {
      value.set("before", change.before);
      value.set("after", change.after);
    }
    list.push(std::move(value));
    const std::string name = printable(change.name, 80);
    if (one_sided)
      table.row({std::string(kind), name, shown(change.version)});
    else if (change.kind == sbom::ChangeKind::version)
      table.row({std::string(kind), name, shown(change.before) + " to " + shown(change.after)});
    else
      table.row({std::string(kind), name + " " + shown(change.version),
                 shown(change.before) + " to " + shown(change.after)});
  }
  doc::Value json = doc::Value::object({{"schema", "tranche/sbom-diff/v1"},
                                        {"old", about(before)},
                                        {"new", about(after)},
                                        {"changes", std::move(list)}});
  return Outcome{.exit_code = options.given("exit-code") && !changes.empty() ? 1 : 0,
                 .json = std::move(json),
                 .text = changes.empty() ? "no differences\n" : table.text()};
}

}  // namespace

Command sbom_diff() {
  return {.name = "sbom diff",
          .summary = "what changed from one bill of materials to another",
          .help_path = "commands/sbom/diff.md",
          .arguments = {{.name = "old", .help = "a CycloneDX or SPDX document; - is stdin"},
                        {.name = "new", .help = "another, of either format"}},
          .flags = {{.name = "exit-code", .help = "exit 1 when there are differences"}},
          .run = run};
}

}  // namespace tranche::commands
