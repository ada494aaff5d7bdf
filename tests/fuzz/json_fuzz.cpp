// parse_json takes any bytes: a value with the properties of doc_properties.hpp, or a refusal that helps.
// What its plain reader takes, the careful one reads alike.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "doc/json_plain.hpp"
#include "doc/value.hpp"
#include "doc_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  tranche::doc::Limits limits;
  limits.max_bytes = 1 << 16;
  limits.max_nodes = 2000;
  const auto value = tranche::doc::parse_json(text, "fuzz", limits);
  if (value) {
    const auto source = std::make_shared<const tranche::doc::Source>(tranche::doc::Source{"fuzz", text});
    const auto careful = tranche::doc::detail::read_careful_json(source, limits);
    if (!careful || !(*careful == *value)) tranche::fuzz::broken("both readers read alike", text);
    tranche::fuzz::check_value(*value, text);
  } else {
    tranche::fuzz::check_error(value.error(), text);
  }
  return 0;
}
