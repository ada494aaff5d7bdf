// Statements come from bundles that anybody made: no bytes may crash the reader, and what it takes is written
// and read again as the same.
// rooms: attest
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attest/model.hpp"
#include "attest/predicates.hpp"
#include "attest/statement.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto statement = attest::parse_statement(text);
  if (!statement) {
    if (statement.error().kind != ErrorKind::verification) std::abort();
    return 0;
  }
  (void)attest::check_predicate(statement->predicate_type, statement->predicate, ErrorKind::verification);
  if (const auto model = attest::model_from_statement(*statement)) {
    if (!attest::compare_models(*model, *model).empty()) std::abort();
    const auto again = attest::to_statement(*model);
    if (!again || !attest::model_from_statement(*again)) std::abort();
  }
  const auto payload = attest::to_payload(*statement);
  if (!payload) std::abort();
  const auto again = attest::parse_statement(*payload);
  if (!again || again->subjects != statement->subjects || *attest::to_payload(*again) != *payload)
    std::abort();
  return 0;
}
