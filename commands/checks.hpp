// What `verify` finds: a line a check, and for programs the code of the first that failed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "commands/support.hpp"
#include "doc/value.hpp"

namespace tranche::commands {

struct Checks {
  doc::Value list = doc::Value::array();
  Table table;
  std::string reason;  // of the first that failed
  std::size_t count = 0;
  std::size_t failed = 0;

  void good(std::string_view name, std::string detail) { add(name, true, std::move(detail)); }
  void bad(std::string_view name, std::string_view code, std::string detail) {
    if (reason.empty()) reason = code;
    ++failed;
    add(name, false, std::move(detail));
  }
  void add(std::string_view name, bool ok, std::string detail) {
    ++count;
    table.row({ok ? "ok" : "FAIL", printable(name), detail});
    list.push(doc::Value::object({{"name", name}, {"ok", ok}, {"detail", std::move(detail)}}));
  }
};

inline std::string error_text(const Error& error) {
  return error.hint.empty() ? error.message : fmt::format("{}; {}", error.message, error.hint);
}

}  // namespace tranche::commands
