#include "channel/statement.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "signing/dsse.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/feed-file/v1";
constexpr auto refused = ErrorKind::verification;
constexpr std::size_t most_digests = 2;

Result<Instant> instant_at(const doc::Value& value, std::string_view key) {
  const auto instant = parse_instant(TRY(value.text(key, refused)));
  if (!instant) return fail(refused, "the statement's {}: {}", key, instant.error().message);
  return *instant;
}

}  // namespace

std::string statement_name(std::string_view file) { return std::string(file) + ".tranche.json"; }

Result<std::string> seal(const Statement& statement, const crypto::Ed25519Signer& feed_key) {
  const doc::Value value =
      doc::Value::object({{"schema", schema},
                          {"app", statement.app},
                          {"channel", statement.channel},
                          {"feed", statement.feed},
                          {"name", statement.name},
                          {"sequence", statement.sequence},
                          {"issued", tranche::to_text(statement.issued)},
                          {"expires", tranche::to_text(statement.expires)},
                          {"sha256", doc::Array(statement.sha256.begin(), statement.sha256.end())}});
  return signing::sign_envelope(signing::feed_file_type, doc::canonical_json(value).value(), feed_key);
}

Result<Statement> open_statement(std::string_view envelope, const signing::Trust& trust) {
  if (envelope.size() > max_statement_bytes)
    return fail(refused, "the statement has more than {} bytes", max_statement_bytes);
  const std::string payload = TRY(signing::open_envelope(envelope, signing::feed_file_type, trust));
  const auto value = doc::parse_json(payload, "<statement>", {max_statement_bytes, 8, 1'000});
  if (!value) return fail(refused, "the statement is not valid JSON: {}", value.error().message);
  if (TRY(value->text("schema", refused)) != schema)
    return fail_hint(refused, "a newer tranche wrote it: update this one",
                     "the statement has another schema");
  Statement out;
  out.app = TRY(value->text("app", refused));
  out.channel = TRY(value->text("channel", refused));
  out.feed = TRY(value->text("feed", refused));
  out.name = TRY(value->text("name", refused));
  const std::int64_t sequence = TRY(value->integer("sequence", refused));
  if (sequence < 0) return fail(refused, "the statement's sequence is negative");
  out.sequence = static_cast<std::uint64_t>(sequence);
  out.issued = TRY(instant_at(*value, "issued"));
  out.expires = TRY(instant_at(*value, "expires"));
  for (const doc::Value& one : TRY(value->array_at("sha256", refused))->as_array()) {
    if (!one.is_string() || !crypto::parse_sha256(one.as_string()))
      return fail(refused, "the statement holds a digest that is no SHA-256");
    out.sha256.push_back(one.as_string());
  }
  if (out.sha256.empty() || out.sha256.size() > most_digests)
    return fail(refused, "the statement names {} digests", out.sha256.size());
  return out;
}

Result<> check_file(const Statement& statement, std::string_view name, std::string_view bytes) {
  if (statement.name != name)
    return fail(refused, "the statement is about '{}', not '{}'", printable(statement.name, 120),
                printable(name, 120));
  const std::string digest = crypto::to_hex(crypto::sha256(bytes));
  if (std::find(statement.sha256.begin(), statement.sha256.end(), digest) == statement.sha256.end())
    return fail(refused, "'{}' is not the file that the statement beside it names", printable(name, 120));
  return {};
}

}  // namespace tranche::channel
