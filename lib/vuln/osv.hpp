// An advisory in the OSV format (ossf.github.io/osv-schema, 1.6): which packages it is about, and which of
// their versions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "vuln/cvss.hpp"
#include "vuln/package.hpp"

namespace tranche::vuln {

inline constexpr std::size_t max_record_bytes = 16 << 20;

struct Event {
  enum class Kind { introduced, fixed, last_affected, limit } kind = Kind::introduced;
  std::string version;  // "0": before everything; of a limit "*": beyond everything
};
struct Range {
  enum class Type { semver, ecosystem, git } type = Type::semver;
  std::vector<Event> events;
};
struct Affected {
  std::string family;   // as in package.hpp
  std::string release;  // of a distribution; may be empty
  std::string name;     // normal
  std::vector<Range> ranges;
  std::vector<std::string> versions;
  std::optional<Severity> severity;  // of this package, when it has its own
};
struct Advisory {
  std::string id;
  std::vector<std::string> aliases;
  std::string summary;     // may be empty
  std::string url;         // https address of the advisory itself; may be empty
  bool withdrawn = false;  // by its authors: it affects nothing
  Severity severity = Severity::unknown;
  int score = -1;  // CVSS in tenths; -1: none
  std::vector<Affected> affected;
  std::string file;
};

// Strict: duplicate keys, wrong types, a missing id or modified, an event that is none are kind invalid, with
// the line. Members that the schema does not name are read over. The severity is the highest of what the
// record says: CVSS 3 and 4 vectors, CVSS 2 where there is neither, a distribution's word,
// database_specific.severity. A vector that is not whole says nothing.
Result<Advisory> read_osv(std::string_view text, const std::string& file);

struct Judgement {
  enum class Is { unaffected, affected, undecided } is = Is::unaffected;
  std::string why;  // of affected and undecided: "before 1.2.3", "no order of versions is known for …"
  std::vector<std::string> fixed;  // versions that are not affected any more, of the range that it is in
};
// Whether a version of `package` (whose name is that of `affected`) is affected: listed, or in a range. A
// version, an event or an ecosystem without an order, no version at all, and GIT ranges alone give
// `undecided`.
Judgement judge(const Affected& affected, const Package& package);

// The packages that are asked about.
class Wanted {
 public:
  virtual ~Wanted() = default;
  // `ecosystem` and `name` as a record has them, and its package URL; each may be empty.
  [[nodiscard]] virtual bool has(std::string_view ecosystem, std::string_view name,
                                 std::string_view purl) const = 0;
};

struct Skimmed {
  bool wanted = false;  // it may be about one of them: read it
  bool withdrawn = false;
  std::string_view modified;  // as it stands in the text
};
// The first pass: the packages of a record, without making a tree of it. The text is held to JSON's grammar
// and to the shape of a record as far as matching needs it; what is matched is then read with read_osv.
// Errors say the byte, not the file. Packages in duplicate members count too.
Result<Skimmed> skim_osv(std::string_view text, const Wanted& wanted);

}  // namespace tranche::vuln
