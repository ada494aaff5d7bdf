// The five answers of a gate (PRODUCT.md "Gates").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tranche::gate {

enum class Verdict { pass, fail, suspect, inconclusive, no_data };
std::string_view to_text(Verdict verdict);  // "pass" "fail" "suspect" "inconclusive" "no-data"
std::optional<Verdict> parse_verdict(std::string_view text);

}  // namespace tranche::gate
