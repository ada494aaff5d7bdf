// The keys of `judge: kayenta` gates.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {

const Table<Kayenta>& kayenta_table() {
  static const Table<Kayenta> table{"kayenta", "Kayenta's canary judge.", {}, {}};
  return table;
}

}  // namespace tranche::spec
