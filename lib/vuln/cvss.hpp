// How bad an advisory is: the base score of a CVSS 3 vector, or the word that its database gives.
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
Severity severity_of_score(int tenths);  // section 5: 0.1, 4.0, 7.0, 9.0

}  // namespace tranche::vuln
