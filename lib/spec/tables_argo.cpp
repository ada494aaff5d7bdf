// The keys of `argo: FILE` gates.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {

const Table<Argo>& argo_table() {
  static const Table<Argo> table{"argo",
                                 "An Argo Rollouts AnalysisTemplate, run unchanged.",
                                 {field("argo", &Argo::file, text({"a path", check_repository_path, ""}),
                                        "file with an AnalysisTemplate, within the repository")
                                      .must()},
                                 {}};
  return table;
}

}  // namespace tranche::spec
