// parse_json takes any bytes: a value with the properties of doc_properties.hpp, or a refusal that helps.
#include <cstddef>
#include <cstdint>
#include <string>

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
    tranche::fuzz::check_value(*value, text);
  } else {
    tranche::fuzz::check_error(value.error(), text);
  }
  return 0;
}
