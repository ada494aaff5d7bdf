// Statements in and out. What is read is believed by nobody yet: sizes, types and digests are checked here,
// the signature elsewhere. Members that we do not know are passed over, as the framework asks of its readers.
#include "attest/statement.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::attest {
namespace {

constexpr std::string_view old_statement_type = "https://in-toto.io/Statement/v0.1";
constexpr std::size_t max_subjects = 20'000;
constexpr std::size_t max_digests = 16;  // of one subject
constexpr std::size_t max_name_bytes = 4096;
constexpr std::size_t max_digest_bytes = 512;
constexpr doc::Limits limits{.max_bytes = max_statement_bytes, .max_depth = 64, .max_nodes = 2'000'000};

// Hex digits of the digests whose form the framework fixes (spec/v1/digest_set.md); 0: another form.
std::size_t hex_length(std::string_view algorithm) {
  struct Known {
    std::string_view name;
    std::size_t digits;
  };
  static constexpr auto known = std::to_array<Known>({{"sha256", 64},
                                                      {"sha224", 56},
                                                      {"sha384", 96},
                                                      {"sha512", 128},
                                                      {"sha512_224", 56},
                                                      {"sha512_256", 64},
                                                      {"sha3_224", 56},
                                                      {"sha3_256", 64},
                                                      {"sha3_384", 96},
                                                      {"sha3_512", 128},
                                                      {"sha1", 40},
                                                      {"md5", 32}});
  const auto* const found = std::ranges::find(known, algorithm, &Known::name);
  return found == known.end() ? 0 : found->digits;
}

// Empty when the digest may stand in a statement; otherwise what is wrong with it.
std::string digest_problem(std::string_view algorithm, std::string_view digest) {
  if (algorithm.empty() || algorithm.size() > 64) return "names no algorithm";
  if (digest.empty() || digest.size() > max_digest_bytes || printable(digest, max_digest_bytes) != digest)
    return fmt::format("has no usable {}", printable(algorithm, 64));
  const std::size_t digits = hex_length(algorithm);
  if (digits != 0 && (digest.size() != digits || lower(digest) != digest || !from_hex(digest)))
    return fmt::format("has a {} that is not {} lower-case hex digits", algorithm, digits);
  return {};
}

std::string subject_problem(const Subject& subject) {
  if (subject.name.size() > max_name_bytes) return "has a name that is too long";
  if (subject.digests.empty()) return "has no digest";
  if (subject.digests.size() > max_digests) return "has too many digests";
  std::set<std::string_view> algorithms;
  for (const auto& [algorithm, digest] : subject.digests) {
    if (std::string problem = digest_problem(algorithm, digest); !problem.empty()) return problem;
    if (!algorithms.insert(algorithm).second) return "names a digest twice";
  }
  return {};
}

Result<Subject> read_subject(const doc::Value& value, std::size_t index) {
  constexpr auto kind = ErrorKind::verification;
  if (!value.is_object()) return fail(kind, "subject {} is {}, not a map", index, value.kind_name());
  Subject subject;
  subject.name = TRY(value.text_or("name", "", kind));
  for (const doc::Member& member : TRY(value.object_at("digest", kind))->as_object()) {
    if (!member.value.is_string())
      return fail(kind, "digest '{}' of subject {} is {}, not a string", printable(member.key, 64), index,
                  member.value.kind_name());
    subject.digests.emplace_back(member.key, member.value.as_string());
  }
  if (const std::string problem = subject_problem(subject); !problem.empty())
    return fail(kind, "subject {} ('{}') {}", index, printable(subject.name, 80), problem);
  std::ranges::sort(subject.digests, [](const auto& a, const auto& b) {
    return std::pair(a.first != "sha256", std::string_view(a.first)) <
           std::pair(b.first != "sha256", std::string_view(b.first));
  });
  return subject;
}

Result<Statement> read_statement(const doc::Value& value) {
  constexpr auto kind = ErrorKind::verification;
  const std::string type = TRY(value.text("_type", kind));
  if (type != statement_type && type != old_statement_type)
    return fail_hint(kind, "in-toto statements of v1 and v0.1 are read", "the statement is of type '{}'",
                     printable(type, 120));
  Statement statement;
  statement.predicate_type = TRY(value.text("predicateType", kind));
  if (statement.predicate_type.empty() || statement.predicate_type.size() > 1024)
    return fail(kind, "the statement has no usable predicateType");
  const doc::Array& subjects = TRY(value.array_at("subject", kind))->as_array();
  if (subjects.empty()) return fail(kind, "the statement names no subject");
  if (subjects.size() > max_subjects)
    return fail(kind, "the statement has {} subjects, more than {}", subjects.size(), max_subjects);
  for (std::size_t i = 0; i < subjects.size(); ++i)
    statement.subjects.push_back(TRY(read_subject(subjects[i], i)));
  const doc::Value* predicate = value.find("predicate");
  statement.predicate = doc::Value::object();
  if (predicate != nullptr && !predicate->is_null()) {
    if (!predicate->is_object()) return fail(kind, "the predicate is {}, not a map", predicate->kind_name());
    statement.predicate = *predicate;
  }
  return statement;
}

}  // namespace

const std::string* Subject::digest(std::string_view algorithm) const {
  for (const auto& [kind, value] : digests)
    if (kind == algorithm) return &value;
  return nullptr;
}

bool names_sha256(const Statement& statement, std::string_view sha256) {
  return std::ranges::any_of(statement.subjects, [&](const Subject& subject) {
    const std::string* digest = subject.digest("sha256");
    return digest != nullptr && *digest == sha256;
  });
}

Result<std::string> to_payload(const Statement& statement) {
  if (statement.subjects.empty())
    return fail_hint(ErrorKind::invalid, "name the files that it is about", "the statement has no subject");
  if (statement.subjects.size() > max_subjects)
    return fail_hint(ErrorKind::invalid, "make several statements", "a statement has at most {} subjects",
                     max_subjects);
  if (statement.predicate_type.empty())
    return fail_hint(ErrorKind::invalid, "name the predicate type", "the statement has no predicateType");
  if (!statement.predicate.is_object())
    return fail_hint(ErrorKind::invalid, "give a JSON object", "the predicate is {}, not a map",
                     statement.predicate.kind_name());
  doc::Value subjects = doc::Value::array();
  for (const Subject& subject : statement.subjects) {
    if (const std::string problem = subject_problem(subject); !problem.empty())
      return fail_hint(ErrorKind::invalid, "digests are lower-case hex", "subject '{}' {}",
                       printable(subject.name, 80), problem);
    doc::Value digests = doc::Value::object();
    for (const auto& [algorithm, digest] : subject.digests) digests.set(algorithm, digest);
    doc::Value one = doc::Value::object({{"digest", std::move(digests)}});
    if (!subject.name.empty()) one.set("name", subject.name);
    subjects.push(std::move(one));
  }
  std::string payload =
      TRY(doc::canonical_json(doc::Value::object({{"_type", statement_type},
                                                  {"subject", std::move(subjects)},
                                                  {"predicateType", statement.predicate_type},
                                                  {"predicate", statement.predicate}})));
  if (payload.size() > max_statement_bytes)
    return fail_hint(ErrorKind::invalid, "make several statements, or a smaller predicate",
                     "the statement has {} bytes, more than {}", payload.size(), max_statement_bytes);
  return payload;
}

Result<Statement> parse_statement(std::string_view payload) {
  const auto value = doc::parse_json(payload, "<statement>", limits);
  if (!value)
    return fail(ErrorKind::verification, "the statement is not valid JSON: {}", value.error().message);
  if (!value->is_object())
    return fail(ErrorKind::verification, "the statement is {}, not a map", value->kind_name());
  return read_statement(*value);
}

}  // namespace tranche::attest
