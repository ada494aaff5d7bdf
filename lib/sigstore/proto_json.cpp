#include "sigstore/proto_json.hpp"

#include <algorithm>
#include <charconv>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::sigstore {
namespace {

const doc::Value& nothing() {
  static const doc::Value value = doc::Value::object();
  return value;
}

std::string path_of(std::string_view where, std::string_view key) {
  return where.empty() ? std::string(key) : fmt::format("{}.{}", where, key);
}

}  // namespace

std::string element(std::string_view where, std::size_t index) { return fmt::format("{}[{}]", where, index); }

void ProtoReader::refuse(Reason reason, std::string detail) {
  if (!refusal_) refusal_ = Refusal{reason, std::move(detail)};
}

doc::Value ProtoReader::parse(std::string_view json, std::string_view name, std::size_t max_bytes) {
  auto value = doc::parse_json(json, std::string(name),
                               {.max_bytes = max_bytes, .max_depth = 32, .max_nodes = 50'000});
  if (!value) {
    refuse(reasons_.json, value.error().mark ? fmt::format("{}:{}:{}: {}", name, value.error().mark->line,
                                                           value.error().mark->column, value.error().message)
                                             : fmt::format("{}: {}", name, value.error().message));
    return doc::Value::object();
  }
  if (!value->is_object()) {
    refuse_shape("{} is {}, not a map", name, value->kind_name());
    return doc::Value::object();
  }
  return std::move(*value);
}

const doc::Value* ProtoReader::find(const doc::Value& object, std::string_view where, std::string_view key,
                                    Need need) {
  if (!ok()) return nullptr;
  if (!object.is_object()) {
    refuse_shape("{} is {}, not a map", where, object.kind_name());
    return nullptr;
  }
  const doc::Value* value = object.find(key);
  if (value != nullptr && value->is_null()) value = nullptr;
  if (value == nullptr && need == Need::required) refuse_shape("{} is missing", path_of(where, key));
  return value;
}

const doc::Value& ProtoReader::object(const doc::Value& object, std::string_view where, std::string_view key,
                                      Need need) {
  const doc::Value* value = find(object, where, key, need);
  if (value == nullptr) return nothing();
  if (!value->is_object()) {
    refuse_shape("{} is {}, not a map", path_of(where, key), value->kind_name());
    return nothing();
  }
  return *value;
}

const doc::Array& ProtoReader::list(const doc::Value& object, std::string_view where, std::string_view key,
                                    std::size_t most) {
  static const doc::Array empty;
  const doc::Value* value = find(object, where, key, Need::optional);
  if (value == nullptr) return empty;
  if (!value->is_array()) {
    refuse_shape("{} is {}, not a list", path_of(where, key), value->kind_name());
    return empty;
  }
  if (value->as_array().size() > most) {
    refuse_shape("{} has {} elements, at most {} are read", path_of(where, key), value->as_array().size(),
                 most);
    return empty;
  }
  return value->as_array();
}

std::string ProtoReader::text(const doc::Value& object, std::string_view where, std::string_view key,
                              Need need) {
  const doc::Value* value = find(object, where, key, need);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    refuse_shape("{} is {}, not a string", path_of(where, key), value->kind_name());
    return {};
  }
  return value->as_string();
}

std::string ProtoReader::bytes(const doc::Value& object, std::string_view where, std::string_view key,
                               Need need) {
  const doc::Value* value = find(object, where, key, need);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    refuse_shape("{} is {}, not base64", path_of(where, key), value->kind_name());
    return {};
  }
  auto decoded = from_base64(value->as_string());
  if (!decoded) {
    refuse(reasons_.base64, fmt::format("{} is not base64", path_of(where, key)));
    return {};
  }
  if (decoded->empty() && need == Need::required) refuse_shape("{} is empty", path_of(where, key));
  return std::move(*decoded);
}

std::int64_t ProtoReader::count(const doc::Value& object, std::string_view where, std::string_view key) {
  const doc::Value* value = find(object, where, key, Need::optional);
  if (value == nullptr) return 0;
  std::int64_t number = -1;
  if (value->is_int()) {
    number = value->as_int();
  } else if (value->is_string()) {
    const std::string& digits = value->as_string();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      refuse(reasons_.number, fmt::format("{} is no number: {}", path_of(where, key), printable(digits, 40)));
      return 0;
    }
  } else {
    refuse(reasons_.number, fmt::format("{} is {}, not a number", path_of(where, key), value->kind_name()));
    return 0;
  }
  if (number < 0) {
    refuse(reasons_.number, fmt::format("{} is negative: {}", path_of(where, key), number));
    return 0;
  }
  return number;
}

void ProtoReader::only(const doc::Value& object, std::string_view where,
                       std::initializer_list<std::string_view> keys) {
  if (!ok() || !object.is_object()) return;
  for (const auto& member : object.as_object())
    if (std::find(keys.begin(), keys.end(), member.key) == keys.end()) {
      refuse_shape("{} is not known", path_of(where, printable(member.key, 60)));
      return;
    }
}

}  // namespace tranche::sigstore
