// Texts that several tests of this room read. PRODUCT.md's examples, word for word.
#pragma once

#include <string_view>
#include <vector>

namespace tranche::spec {

extern const std::string_view full_example;
extern const std::string_view shortest_example;
extern const std::string_view shortest_golden;
// Valid files that differ in what they leave out.
std::vector<std::string_view> round_trip_examples();

}  // namespace tranche::spec
