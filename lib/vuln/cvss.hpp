// How bad an advisory is: the score of a CVSS vector, or the word that its database gives.
#pragma once

#include <optional>
#include <string_view>

namespace tranche::vuln {

// unknown ranks above all: what nobody has rated counts as critical.
enum class Severity { none, low, medium, high, critical, unknown };
std::string_view to_text(Severity severity);
// "LOW", "moderate", "Important": nullopt for other words. GitHub's and the distributions' own words.
std::optional<Severity> severity_of_word(std::string_view word);

// Base score in tenths, 0 to 100, by the CVSS v3.1 specification, section 7.1 (v3.0 differs in rounding
// alone). nullopt when the text is no "CVSS:3.0/..." or "CVSS:3.1/..." vector with all eight base metrics
// once each; temporal and environmental metrics are read over.
std::optional<int> cvss3_base_score(std::string_view vector);

// The same by CVSS v2 (first.org/cvss/v2/guide, section 3.2.1). nullopt when the text is no
// "AV:N/AC:L/Au:N/C:P/I:P/A:P", with all six base metrics once each; others are read over.
std::optional<int> cvss2_base_score(std::string_view vector);

// Score in tenths by CVSS v4.0: of the base metrics alone or of all that the vector says, whichever is worse,
// since a threat that nobody has reported today says little about tomorrow. nullopt when the text is no
// "CVSS:4.0/..." vector: a base metric is missing, a metric stands twice or is none of the specification's.
std::optional<int> cvss4_score(std::string_view vector);

// Section 5 of v3.1, and of v4.0: 0.1, 4.0, 7.0, 9.0. v2 has no bands of its own; these are stricter than
// those that the NVD made for it.
Severity severity_of_score(int tenths);

}  // namespace tranche::vuln
