// Versions are what strangers call their releases. In every ecosystem the order must be one: the same both
// ways round, equal to itself, and transitive; and what has no order has none either way. rooms: vuln
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vuln/package.hpp"
#include "vuln/version_order.hpp"

using namespace tranche::vuln;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr int ecosystems = static_cast<int>(Ecosystem::other) + 1;
  const auto ecosystem = static_cast<Ecosystem>(data[0] % ecosystems);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t first = text.find('\n');
  const std::size_t second = first == text.npos ? text.npos : text.find('\n', first + 1);
  if (second == text.npos) return 0;
  const std::string_view a = text.substr(0, first), b = text.substr(first + 1, second - first - 1),
                         c = text.substr(second + 1);
  const auto ab = compare_versions(ecosystem, a, b), ba = compare_versions(ecosystem, b, a);
  if (ab.has_value() != ba.has_value()) std::abort();
  if (ab && (*ab < 0) != (*ba > 0)) std::abort();
  if (const auto self = compare_versions(ecosystem, a, a); self && *self != 0) std::abort();
  const auto bc = compare_versions(ecosystem, b, c), ac = compare_versions(ecosystem, a, c);
  if (ab && bc && !ac) std::abort();
  if (ab && bc && *ab <= 0 && *bc <= 0 && *ac > 0) std::abort();
  if (ab && bc && *ab <= 0 && *bc < 0 && *ac >= 0) std::abort();
  (void)package_of(text);
  (void)purl_covers(a, b);
  return 0;
}
