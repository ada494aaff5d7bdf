// Reading the JSON form of protobuf messages (protobuf.dev, "ProtoJSON format") as Sigstore writes them:
// lowerCamelCase members, int64 as strings, bytes as standard base64, absent and null alike.
//
// The reader keeps the first refusal and answers with empty values from then on, so that a message is read
// straight through and asked once at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "doc/value.hpp"
#include "sigstore/reason.hpp"

namespace tranche::sigstore {

class ProtoReader {
 public:
  // Which reasons the flaws of this file have.
  struct Reasons {
    Reason json = Reason::bad_json;
    Reason base64 = Reason::bad_base64;
    Reason shape = Reason::bad_bundle;
    Reason number = Reason::bad_log_index;
  };
  ProtoReader() = default;
  explicit ProtoReader(Reasons reasons) : reasons_(reasons) {}

  [[nodiscard]] bool ok() const { return !refusal_; }
  [[nodiscard]] Refusal refusal() const { return refusal_.value_or(Refusal{}); }
  void refuse(Reason reason, std::string detail);
  template <class... Args>
  void refuse_shape(fmt::format_string<Args...> format, Args&&... args) {
    refuse(reasons_.shape, fmt::format(format, std::forward<Args>(args)...));
  }

  // The document; an empty object after a refusal. `name` says in messages what it is.
  doc::Value parse(std::string_view json, std::string_view name, std::size_t max_bytes);

  // Members of `object`, which messages call `where`. Empty when absent; refused when of a wrong type, and
  // when absent though required.
  enum class Need { optional, required };
  const doc::Value& object(const doc::Value& object, std::string_view where, std::string_view key, Need need);
  const doc::Array& list(const doc::Value& object, std::string_view where, std::string_view key,
                         std::size_t most);
  std::string bytes(const doc::Value& object, std::string_view where, std::string_view key, Need need);
  std::string text(const doc::Value& object, std::string_view where, std::string_view key, Need need);
  std::int64_t count(const doc::Value& object, std::string_view where,
                     std::string_view key);  // int64, not negative; 0 when absent
  // Refuses members with other names.
  void only(const doc::Value& object, std::string_view where, std::initializer_list<std::string_view> keys);

 private:
  const doc::Value* find(const doc::Value& object, std::string_view where, std::string_view key, Need need);
  Reasons reasons_;
  std::optional<Refusal> refusal_;
};

// "tlogEntries[2]"
std::string element(std::string_view where, std::size_t index);

}  // namespace tranche::sigstore
