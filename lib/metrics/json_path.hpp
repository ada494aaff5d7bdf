// JSONPath as Kubernetes and Argo Rollouts write it (kubernetes.io/docs/reference/kubectl/jsonpath): which
// part of an answer is the value. Private to this room.
//
//   {$.a.b[0].c} {.a} {['a key']} {.items[*].n} {..n} {.items[?(@.x > 1)].n} {.items[-1:]} {.items[0:4:2]}
//   {.items[0,2]} {['a','b']}
// Braces may be left out. Text outside braces, and range and end, print lists there and have no meaning here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.hpp"

namespace tranche::metrics::internal {

class JsonPath {
 public:
  // At most 4 KiB, 64 steps. Errors: kind invalid, with the column.
  static Result<JsonPath> compile(std::string_view text);

  // The first match in the order of the document (Argo takes no other); null when nothing matches. Error,
  // kind invalid: it would look at more than 200,000 values.
  [[nodiscard]] Result<const doc::Value*> first(const doc::Value& root) const;

  struct Step;

 private:
  std::shared_ptr<const std::vector<Step>> steps_;
};

}  // namespace tranche::metrics::internal
