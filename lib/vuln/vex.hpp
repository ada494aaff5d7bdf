// What the authors of a product say about a vulnerability in it: OpenVEX 0.2.0 (github.com/openvex/spec) and
// the vulnerabilities of a CycloneDX document. A statement can take a finding away, so it is read strictly,
// and it covers nothing that it does not name.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "sbom/sbom.hpp"

namespace tranche::vuln {

enum class VexStatus { not_affected, affected, fixed, under_investigation };
std::string_view to_text(VexStatus status);
// fixed and not_affected; nothing else takes a finding away.
bool suppresses(VexStatus status);

// What a statement names: package URLs, with or without a version, or a bom-ref of the document it came in.
struct VexProduct {
  std::string id;                          // package URL or other IRI; empty: of `serial`
  std::string serial, bom_ref;             // "urn:uuid:...", the document that bom_ref is of; CycloneDX only
  std::vector<std::string> versions;       // CycloneDX: these alone; empty: any
  std::vector<std::string> subcomponents;  // OpenVEX: not the product but these parts of it
};
struct VexStatement {
  VexStatus status = VexStatus::under_investigation;
  std::vector<std::string> ids;  // of the vulnerability: its name and aliases
  std::vector<VexProduct> products;
  std::string reason;  // justification and what was said with it
  Instant when{};      // later statements override earlier ones
  std::string file;
};

inline constexpr std::size_t max_vex_bytes = 64 << 20;

// Either format, told apart by what is in it. kind invalid, with the line, for anything else and for what the
// formats forbid: not_affected of OpenVEX without a justification or an impact statement, an unknown status,
// no time. A not_affected of CycloneDX without justification and detail says nothing and reads as
// under_investigation.
Result<std::vector<VexStatement>> read_vex(std::string_view text, const std::string& file);

// What the findings are about.
struct VexSubject {
  const sbom::Component& main;
  const sbom::Component& component;
  std::string_view serial;  // serialNumber of the bill of materials; may be empty
};
bool is_about(const VexStatement& statement, const VexSubject& subject);

// The names in a bill of materials: whether a statement names any of them, whatever the version.
class VexScope {
 public:
  VexScope(const sbom::Catalog& catalog, std::string_view serial);
  [[nodiscard]] bool has(const VexStatement& statement) const;

 private:
  const sbom::Component& main_;
  std::string serial_;
  std::set<std::string, std::less<>> names_;  // of the package URLs; other ids as they stand
};

// The statement that counts for a vulnerability of one of these ids: the latest; of several at one time one
// that takes nothing away. nullptr: none.
const VexStatement* find_statement(const std::vector<VexStatement>& statements,
                                   const std::vector<std::string>& ids, const VexSubject& subject);

// The same for many questions: documents of thousands of statements are looked up by their ids.
class VexIndex {
 public:
  explicit VexIndex(const std::vector<VexStatement>& statements);
  [[nodiscard]] const VexStatement* find(const std::vector<std::string>& ids,
                                         const VexSubject& subject) const;

 private:
  const std::vector<VexStatement>& statements_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_id_;
};

}  // namespace tranche::vuln
