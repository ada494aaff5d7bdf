#include "vuln/vex.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "doc/value.hpp"
#include "vuln/package.hpp"

namespace tranche::vuln {
namespace {

using doc::Value;

constexpr doc::Limits limits{.max_bytes = max_vex_bytes, .max_depth = 64, .max_nodes = 5'000'000};

constexpr std::array<std::string_view, 4> status_words{"not_affected", "affected", "fixed",
                                                       "under_investigation"};
constexpr std::array<std::string_view, 5> justifications{
    "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"};

std::unexpected<Error> bad(const Value& at, std::string message, std::string hint) {
  Error error(ErrorKind::invalid, std::move(message), std::move(hint));
  if (at.place.source) error.mark = doc::to_mark(at.place);
  return fail(std::move(error));
}
std::unexpected<Error> wrong(const Value& at, std::string_view what, std::string_view kind) {
  return bad(at, fmt::format("{} is {}, not {}", what, at.kind_name(), kind),
             "see the format's specification");
}

// Of the object itself; empty when it is absent.
Result<std::span<const Value>> list_in(const Value& object, std::string_view key) {
  const Value* const list = object.find(key);
  if (list == nullptr || list->is_null()) return std::span<const Value>();
  if (!list->is_array()) return wrong(*list, fmt::format("'{}'", key), "a list");
  return std::span<const Value>(list->as_array());
}
Result<std::string> text_in(const Value& object, std::string_view key) {
  const Value* const text = object.find(key);
  if (text == nullptr || text->is_null()) return std::string();
  if (!text->is_string()) return wrong(*text, fmt::format("'{}'", key), "a string");
  return text->as_string();
}
// An absent one is `fallback`.
Result<Instant> time_in(const Value& object, std::string_view key, Instant fallback) {
  const std::string text = TRY(text_in(object, key));
  if (text.empty()) return fallback;
  const auto when = parse_instant(text);
  if (!when)
    return bad(*object.find(key), fmt::format("'{}' is no time", printable(text, 60)),
               "write 2026-01-31T12:00:00Z");
  return *when;
}

void add_word(std::string& to, std::string_view word) {
  if (word.empty()) return;
  if (!to.empty()) to += ": ";
  to += word;
}

// ---- OpenVEX

// @id, or identifiers.purl, which is the better name of the two.
Result<std::string> id_of(const Value& component) {
  if (component.is_string()) return component.as_string();  // 0.0.x wrote products as strings
  if (!component.is_object()) return wrong(component, "a product", "a map");
  if (const Value* identifiers = component.find("identifiers");
      identifiers != nullptr && identifiers->is_object())
    if (const std::string purl = TRY(text_in(*identifiers, "purl")); !purl.empty()) return purl;
  const std::string id = TRY(text_in(component, "@id"));
  if (id.empty()) return bad(component, "a product without @id and purl", "name it by its package URL");
  return id;
}

Result<VexProduct> read_product(const Value& value) {
  VexProduct out;
  out.id = TRY(id_of(value));
  if (value.is_object())
    for (const Value& part : TRY(list_in(value, "subcomponents")))
      out.subcomponents.push_back(TRY(id_of(part)));
  return out;
}

Result<std::vector<std::string>> read_vulnerability(const Value& statement) {
  const Value* const vulnerability = statement.find("vulnerability");
  if (vulnerability == nullptr) return bad(statement, "a statement without a vulnerability", "name it");
  if (vulnerability->is_string()) return std::vector<std::string>{vulnerability->as_string()};
  if (!vulnerability->is_object()) return wrong(*vulnerability, "'vulnerability'", "a map");
  std::vector<std::string> out;
  if (std::string name = TRY(text_in(*vulnerability, "name")); !name.empty()) out.push_back(std::move(name));
  for (const Value& alias : TRY(list_in(*vulnerability, "aliases"))) {
    if (!alias.is_string()) return wrong(alias, "an alias", "a string");
    out.push_back(alias.as_string());
  }
  if (out.empty()) return bad(*vulnerability, "a vulnerability without a name", "name it: CVE-2026-0001");
  return out;
}

Result<VexStatement> read_statement(const Value& value, Instant document_time, const std::string& file) {
  if (!value.is_object()) return wrong(value, "a statement", "a map");
  VexStatement out;
  out.file = file;
  const std::string status = TRY(text_in(value, "status"));
  const auto found = std::ranges::find(status_words, status);
  if (found == status_words.end())
    return bad(value, fmt::format("a statement with the status '{}'", printable(status, 40)),
               "it is not_affected, affected, fixed or under_investigation");
  out.status = static_cast<VexStatus>(found - status_words.begin());
  out.ids = TRY(read_vulnerability(value));
  for (const Value& product : TRY(list_in(value, "products")))
    out.products.push_back(TRY(read_product(product)));
  const std::string justification = TRY(text_in(value, "justification"));
  const std::string impact = TRY(text_in(value, "impact_statement"));
  if (!justification.empty() && std::ranges::find(justifications, justification) == justifications.end())
    return bad(*value.find("justification"),
               fmt::format("'{}' is no justification", printable(justification, 60)),
               "it is one of: component_not_present, vulnerable_code_not_present, "
               "vulnerable_code_not_in_execute_path, vulnerable_code_cannot_be_controlled_by_adversary, "
               "inline_mitigations_already_exist");
  if (out.status == VexStatus::not_affected && justification.empty() && trim(impact).empty())
    return bad(value, "not_affected without a justification or an impact statement",
               "say why it is not affected");
  add_word(out.reason, justification);
  add_word(out.reason, impact);
  add_word(out.reason, TRY(text_in(value, "status_notes")));
  out.when = TRY(time_in(value, "timestamp", document_time));
  return out;
}

Result<std::vector<VexStatement>> read_openvex(const Value& document, const std::string& file) {
  if (TRY(text_in(document, "timestamp")).empty())
    return bad(document, "a VEX document without a timestamp",
               "later statements override earlier ones: say when");
  const Instant when = TRY(time_in(document, "timestamp", Instant{}));
  std::vector<VexStatement> out;
  for (const Value& statement : TRY(list_in(document, "statements")))
    out.push_back(TRY(read_statement(statement, when, file)));
  return out;
}

// ---- CycloneDX

struct CycloneDx {
  std::string serial;
  std::map<std::string, std::string> purls;  // bom-ref → purl, of this document
  Instant when{};
  std::string file;

  Result<> collect(const Value& component, int depth) {
    if (depth > 32 || !component.is_object()) return {};
    const std::string purl = TRY(text_in(component, "purl"));
    const std::string reference = TRY(text_in(component, "bom-ref"));
    if (!purl.empty() && !reference.empty()) purls.emplace(reference, purl);
    for (const Value& part : TRY(list_in(component, "components"))) TRY(collect(part, depth + 1));
    return {};
  }

  // A bom-ref here, a BOM-Link (urn:cdx:SERIAL/VERSION#REF) to another document, or a package URL.
  Result<VexProduct> product(const Value& affects) const {
    if (!affects.is_object()) return wrong(affects, "'affects' entry", "a map");
    VexProduct out;
    std::string reference = TRY(text_in(affects, "ref"));
    if (reference.empty()) return bad(affects, "an affected component without ref", "name it by its bom-ref");
    out.serial = serial;
    if (reference.starts_with("urn:cdx:")) {
      const std::size_t slash = reference.find('/'), hash = reference.find('#');
      if (slash == reference.npos || hash == reference.npos || hash < slash)
        return bad(affects, fmt::format("'{}' is no BOM-Link to a component", printable(reference)),
                   "write urn:cdx:SERIAL/VERSION#BOM-REF");
      out.serial = "urn:uuid:" + reference.substr(8, slash - 8);
      reference = percent_decode(std::string_view(reference).substr(hash + 1)).value_or("");
    }
    out.bom_ref = reference;
    if (const auto own = purls.find(reference); own != purls.end() && out.serial == serial)
      out.id = own->second;
    else if (reference.starts_with("pkg:"))
      out.id = reference;
    for (const Value& version : TRY(list_in(affects, "versions"))) {
      if (!version.is_object()) return wrong(version, "a version", "a map");
      // A range of versions is not evaluated: it names none.
      out.versions.push_back(TRY(text_in(version, "version")));
    }
    return out;
  }

  Result<VexStatement> statement(const Value& vulnerability) const {
    if (!vulnerability.is_object()) return wrong(vulnerability, "a vulnerability", "a map");
    VexStatement out;
    out.file = file;
    if (std::string id = TRY(text_in(vulnerability, "id")); !id.empty()) out.ids.push_back(std::move(id));
    for (const Value& reference : TRY(list_in(vulnerability, "references")))
      if (reference.is_object())
        if (std::string id = TRY(text_in(reference, "id")); !id.empty()) out.ids.push_back(std::move(id));
    for (const Value& affects : TRY(list_in(vulnerability, "affects")))
      out.products.push_back(TRY(product(affects)));
    out.when = TRY(time_in(vulnerability, "updated", when));
    const Value* const analysis = vulnerability.find("analysis");
    if (analysis == nullptr) return out;
    if (!analysis->is_object()) return wrong(*analysis, "'analysis'", "a map");
    const std::string state = TRY(text_in(*analysis, "state"));
    const std::string justification = TRY(text_in(*analysis, "justification"));
    const std::string detail = TRY(text_in(*analysis, "detail"));
    const bool unexplained = justification.empty() && trim(detail).empty();
    add_word(out.reason, state);
    add_word(out.reason, justification);
    add_word(out.reason, detail);
    out.when = TRY(time_in(*analysis, "lastUpdated", out.when));
    if (state == "resolved" || state == "resolved_with_pedigree")
      out.status = VexStatus::fixed;
    else if (state == "false_positive" || (state == "not_affected" && !unexplained))
      out.status = VexStatus::not_affected;
    else if (state == "exploitable")
      out.status = VexStatus::affected;
    else if (!state.empty() && state != "in_triage" && state != "not_affected")
      return bad(
          *analysis, fmt::format("an analysis with the state '{}'", printable(state, 40)),
          "it is resolved, resolved_with_pedigree, exploitable, in_triage, false_positive or not_affected");
    return out;
  }
};

Result<std::vector<VexStatement>> read_cyclonedx(const Value& document, const std::string& file) {
  CycloneDx reader;
  reader.file = file;
  reader.serial = TRY(text_in(document, "serialNumber"));
  if (const Value* metadata = document.find("metadata"); metadata != nullptr && metadata->is_object()) {
    reader.when = TRY(time_in(*metadata, "timestamp", Instant{}));
    if (const Value* main = metadata->find("component"); main != nullptr) TRY(reader.collect(*main, 0));
  }
  for (const Value& component : TRY(list_in(document, "components"))) TRY(reader.collect(component, 0));
  std::vector<VexStatement> out;
  for (const Value& vulnerability : TRY(list_in(document, "vulnerabilities")))
    out.push_back(TRY(reader.statement(vulnerability)));
  return out;
}

// ---- matching

// The app itself, which often has no package URL of its own: by that, or by name and version.
bool is_main(const std::string& id, const sbom::Component& main) {
  if (!main.bom_ref.empty() && id == main.bom_ref) return true;
  if (!main.purl.empty()) return purl_covers(id, main.purl);
  return !main.name.empty() &&
         purl_names(id, main.group.empty() ? main.name : main.group + "/" + main.name, main.version);
}

bool covers(const VexProduct& product, const VexSubject& subject) {
  const std::string& version = subject.component.version;
  const bool version_fits =
      product.versions.empty() ||
      (!version.empty() && std::ranges::find(product.versions, version) != product.versions.end());
  if (!version_fits) return false;
  if (!product.subcomponents.empty())
    return is_main(product.id, subject.main) &&
           std::ranges::any_of(product.subcomponents, [&](const std::string& part) {
             return purl_covers(part, subject.component.purl);
           });
  if (!product.id.empty() &&
      (purl_covers(product.id, subject.component.purl) || is_main(product.id, subject.main)))
    return true;
  return !product.bom_ref.empty() && !product.serial.empty() && product.serial == subject.serial &&
         (product.bom_ref == subject.component.bom_ref || product.bom_ref == subject.main.bom_ref);
}

}  // namespace

std::string_view to_text(VexStatus status) { return status_words[static_cast<std::size_t>(status)]; }

bool suppresses(VexStatus status) { return status == VexStatus::fixed || status == VexStatus::not_affected; }

Result<std::vector<VexStatement>> read_vex(std::string_view text, const std::string& file) {
  const Value document = TRY(doc::parse_json(text, file, limits));
  if (document.is_object()) {
    if (TRY(text_in(document, "bomFormat")) == "CycloneDX") return read_cyclonedx(document, file);
    if (TRY(text_in(document, "@context")).starts_with("https://openvex.dev/ns"))
      return read_openvex(document, file);
  }
  return bad(document, "neither an OpenVEX nor a CycloneDX document",
             "OpenVEX has \"@context\": \"https://openvex.dev/ns/v0.2.0\"");
}

bool is_about(const VexStatement& statement, const VexSubject& subject) {
  return std::ranges::any_of(statement.products,
                             [&](const VexProduct& product) { return covers(product, subject); });
}

VexScope::VexScope(const sbom::Catalog& catalog, std::string_view serial)
    : main_(catalog.main), serial_(serial) {
  for (const sbom::Component& component : catalog.components) names_.insert(purl_name(component.purl));
  names_.erase("");
}

bool VexScope::has(const VexStatement& statement) const {
  const auto known = [&](const std::string& id) { return names_.contains(purl_name(id)); };
  return std::ranges::any_of(statement.products, [&](const VexProduct& product) {
    if (!product.bom_ref.empty() && !serial_.empty() && product.serial == serial_) return true;
    if (product.subcomponents.empty()) return known(product.id) || is_main(product.id, main_);
    return is_main(product.id, main_) && std::ranges::any_of(product.subcomponents, known);
  });
}

VexIndex::VexIndex(const std::vector<VexStatement>& statements) : statements_(statements) {
  for (std::size_t i = 0; i < statements.size(); ++i)
    for (const std::string& id : statements[i].ids) by_id_[id].push_back(i);
}

const VexStatement* VexIndex::find(const std::vector<std::string>& ids, const VexSubject& subject) const {
  std::set<std::size_t> candidates;
  for (const std::string& id : ids)
    if (const auto found = by_id_.find(id); found != by_id_.end())
      candidates.insert(found->second.begin(), found->second.end());
  const VexStatement* best = nullptr;
  for (const std::size_t i : candidates) {
    const VexStatement& statement = statements_[i];
    if (!is_about(statement, subject)) continue;
    const bool later = best == nullptr || statement.when > best->when;
    const bool safer = best != nullptr && statement.when == best->when && !suppresses(statement.status);
    if (later || safer) best = &statement;
  }
  return best;
}

const VexStatement* find_statement(const std::vector<VexStatement>& statements,
                                   const std::vector<std::string>& ids, const VexSubject& subject) {
  return VexIndex(statements).find(ids, subject);
}

}  // namespace tranche::vuln
