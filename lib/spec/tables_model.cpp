// The keys of `judge: model` gates.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {

const Table<Model>& model_table() {
  static const Table<Model> table{"model", "A language model as judge.", {}, {}};
  return table;
}

}  // namespace tranche::spec
