// Claims about files, signed: what is claimed (the predicate) comes from CI and git, from flags, or from a
// file.
#include "artifact/collect.hpp"
#include "attest/predicates.hpp"
#include "attest/provenance.hpp"
#include "attest/statement.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundle_signer.hpp"
#include "commands/commands.hpp"
#include "commands/release/make.hpp"
#include "commands/seal.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

constexpr doc::Limits predicate_limits{
    .max_bytes = attest::max_statement_bytes, .max_depth = 60, .max_nodes = 2'000'000};

struct Type {
  std::string_view word;
  std::string_view predicate_type;
  std::vector<std::string_view> flags;  // that only it reads
};
const std::vector<Type>& types() {
  static const std::vector<Type> all{
      {"slsa-provenance", attest::provenance_type, {}},
      {"vsa",
       attest::vsa_type,
       {"verifier", "resource", "policy", "policy-file", "result", "level", "input"}},
      {"sbom", attest::cyclonedx_type, {}},
      {"test-result", attest::test_result_type, {"passed", "warned", "failed", "url", "configuration"}},
      {"release", attest::release_type, {"purl", "release"}}};
  return all;
}
const Type& type_of(const Options& options) {
  const std::string word = options.text("type");
  for (const Type& type : types())
    if (type.word == word) return type;
  return types().front();
}

Result<> check_flags(const Options& options) {
  const bool whole = options.given("predicate") || options.given("statement");
  const std::string word = options.given("type") ? options.text("type") : "";
  for (const Type& other : types())
    for (const std::string_view flag : other.flags)
      if (options.given(flag) && (other.word != word || whole))
        return fail_hint(ErrorKind::usage,
                         whole ? "leave one of the two out" : fmt::format("add --type {}", other.word),
                         "--{} belongs to --type {} without --{}", flag, other.word,
                         options.given("statement") ? "statement" : "predicate");
  return {};
}

Result<std::vector<attest::Resource>> resources(Context& context, const std::vector<std::string>& paths) {
  std::vector<attest::Resource> list;
  const auto digests = TRY(artifact::digest_files(context.world.files, paths));
  for (std::size_t i = 0; i < paths.size(); ++i)
    list.push_back({.name = base_name(paths[i]), .sha256 = digests[i].sha256});
  return list;
}

Result<doc::Value> make_summary(const Options& options, Context& context) {
  for (const std::string_view flag : {"verifier", "resource", "policy", "result"})
    if (!options.given(flag))
      return fail_hint(ErrorKind::usage, "or give the whole predicate with --predicate FILE",
                       "--type vsa needs --{}", flag);
  attest::VerificationSummary summary{.verifier = options.text("verifier"),
                                      .verified = build_time(context),
                                      .resource = options.text("resource"),
                                      .passed = options.text("result") == "passed",
                                      .levels = options.list("level"),
                                      .slsa_version = "1.0"};
  summary.policy.uri = options.text("policy");
  if (options.given("policy-file"))
    summary.policy.sha256 =
        TRY(artifact::digest_file(context.world.files, options.text("policy-file"))).sha256;
  for (attest::Resource& input : TRY(resources(context, options.list("input")))) {
    input.uri = "file:" + percent_encode(input.name);
    input.name.clear();
    summary.inputs.push_back(std::move(input));
  }
  return attest::to_predicate(summary);
}

Result<doc::Value> make_test_result(const Options& options, Context& context) {
  attest::TestResult result{.passed = options.list("passed"),
                            .warned = options.list("warned"),
                            .failed = options.list("failed"),
                            .url = options.text("url")};
  result.configuration = TRY(resources(context, options.list("configuration")));
  return attest::to_predicate(result);
}

Result<doc::Value> make_release(const Options& options, Context& context) {
  if (options.given("purl")) return attest::release_predicate(options.text("purl"));
  if (!options.given("release"))
    return fail_hint(ErrorKind::usage, "add --release 1.2.0, or --purl pkg:generic/notes@1.2.0",
                     "--type release needs to know which release");
  const Loaded loaded = TRY(load_app(context, options));
  return attest::release_predicate(fmt::format("pkg:generic/{}@{}", percent_encode(loaded.app().name),
                                               percent_encode(options.text("release"))));
}

struct Claim {
  std::string type;
  doc::Value predicate;
};

Result<Claim> make_claim(const Options& options, Context& context, const Type& type) {
  Claim claim{std::string(type.predicate_type), {}};
  if (options.given("predicate")) {
    const std::string path = options.text("predicate");
    const std::string bytes = TRY(read_input(context, path, attest::max_statement_bytes));
    claim.predicate = TRY_WHILE("reading the predicate", doc::parse_json(bytes, path, predicate_limits));
    if (type.word == "sbom") {
      const auto found = attest::sbom_type(claim.predicate);
      if (!found)
        return fail_hint(ErrorKind::invalid, "make one: tranche sbom --output sbom.cdx.json",
                         "{} is neither CycloneDX nor SPDX", printable(path));
      claim.type = *found;
    }
    TRY_WHILE("reading " + printable(path),
              attest::check_predicate(claim.type, claim.predicate, ErrorKind::invalid));
  } else if (type.word == "slsa-provenance") {
    claim.predicate = attest::to_predicate(
        TRY(attest::gather_provenance(context.world, TRY(context.world.files.current_directory()))));
  } else if (type.word == "vsa") {
    claim.predicate = TRY(make_summary(options, context));
  } else if (type.word == "test-result") {
    claim.predicate = TRY(make_test_result(options, context));
  } else if (type.word == "release") {
    claim.predicate = TRY(make_release(options, context));
  } else {
    return fail_hint(ErrorKind::usage, "add --predicate sbom.cdx.json", "--type sbom needs the document");
  }
  return claim;
}

// What is signed, and what of it the answer shows.
struct Document {
  std::string payload;
  std::string word;  // of --type; "statement" for one made elsewhere
  std::string predicate_type;
  std::vector<attest::Subject> subjects;
};

Result<Document> make_document(const Options& options, Context& context,
                               const std::vector<artifact::Digested>& digests) {
  const Type& type = type_of(options);
  const std::vector<std::string> paths = options.list("path");
  Claim claim = TRY(make_claim(options, context, type));
  attest::Statement statement{.predicate_type = claim.type, .predicate = std::move(claim.predicate)};
  for (std::size_t i = 0; i < paths.size(); ++i)
    statement.subjects.push_back({base_name(paths[i]), {{"sha256", digests[i].sha256}}});
  return Document{TRY(attest::to_payload(statement)), std::string(type.word), statement.predicate_type,
                  std::move(statement.subjects)};
}

// A statement made elsewhere is signed byte for byte; the files that are named must be among its subjects.
Result<Document> read_document(const Options& options, Context& context,
                               const std::vector<artifact::Digested>& digests) {
  const std::string path = options.text("statement");
  std::string payload = TRY(read_input(context, path, attest::max_statement_bytes));
  auto statement = attest::parse_statement(payload);
  if (!statement) {
    statement.error().kind = ErrorKind::invalid;
    if (statement.error().hint.empty())
      statement.error().hint =
          "it must be an in-toto statement of v1: _type, subject, predicateType, predicate";
    return fail(std::move(statement.error()).during("reading " + printable(path)));
  }
  const std::vector<std::string> paths = options.list("path");
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (!attest::names_sha256(*statement, digests[i].sha256))
      return fail_hint(ErrorKind::invalid, "name the files that it was made for", "{} is not about {}",
                       printable(path), printable(paths[i]));
  if (statement->subjects.front().digest("sha256") == nullptr)
    return fail_hint(ErrorKind::invalid, "give each subject its SHA-256: verifiers look for that",
                     "the first subject of {} has no SHA-256", printable(path));
  return Document{std::move(payload), "statement", std::move(statement->predicate_type),
                  std::move(statement->subjects)};
}

Result<Document> find_document(const Options& options, Context& context) {
  const bool ready = options.given("statement");
  if (ready == options.given("type"))
    return fail_hint(ErrorKind::usage,
                     "`tranche attest --type sbom ... FILE`, or `tranche attest --statement FILE`",
                     "give a --type, or a statement that is made already");
  if (ready && options.given("predicate"))
    return fail_hint(ErrorKind::usage, "leave one of the two out", "--statement has its predicate inside");
  if (!ready && !options.given("path"))
    return fail_hint(ErrorKind::usage, "name the files", "a claim needs files that it is about");
  TRY(check_flags(options));
  const auto digests = TRY(artifact::digest_files(context.world.files, options.list("path")));
  return ready ? read_document(options, context, digests) : make_document(options, context, digests);
}

// FILE.TYPE.sigstore.json beside the first file; of a statement, beside it.
Result<std::string> output_of(const Options& options, bool envelope_only) {
  if (options.given("output")) return options.text("output");
  const std::string_view suffix = envelope_only ? "dsse.json" : "sigstore.json";
  if (!options.given("statement"))
    return fmt::format("{}.{}.{}", options.list("path").front(), options.text("type"), suffix);
  if (options.text("statement") == "-")
    return fail_hint(ErrorKind::usage, "add --output PATH, or --output - for stdout",
                     "a statement from stdin has no name");
  return fmt::format("{}.{}", options.text("statement"), suffix);
}

Result<Outcome> run(const Options& options, Context& context) {
  const Document document = TRY(find_document(options, context));
  const bool envelope_only = options.text("format") == "dsse";
  const std::string output = TRY(output_of(options, envelope_only));
  doc::Value subjects = doc::Value::array();
  for (const attest::Subject& subject : document.subjects) {
    const std::string* sha256 = subject.digest("sha256");
    subjects.push(doc::Value::object({{"name", subject.name}, {"sha256", sha256 != nullptr ? *sha256 : ""}}));
  }
  doc::Value json = doc::Value::object({{"schema", "tranche/attest/v1"},
                                        {"type", document.word},
                                        {"predicate-type", document.predicate_type},
                                        {"subjects", std::move(subjects)}});
  if (context.dry_run) {
    const doc::Value shown = TRY(doc::parse_json(document.payload, "<statement>", predicate_limits));
    json.set("statement", shown);
    return Outcome{.json = std::move(json), .text = doc::to_json_pretty(shown)};
  }
  const Sealed sealed = TRY(seal_statement(options, context,
                                           {.payload = document.payload,
                                            .artifact_sha256 = *document.subjects.front().digest("sha256"),
                                            .output = output,
                                            .envelope_only = envelope_only}));
  json.set("signer", sealed.signer);
  json.set("kept", sealed.kept);
  json.set("sha256", crypto::to_hex(crypto::sha256(sealed.bytes)));
  if (output == "-") {
    if (context.json)
      json.set("document", TRY(doc::parse_json(sealed.bytes, "<bundle>", {64 << 20, 64, 4096})));
    return Outcome{.json = std::move(json), .text = sealed.bytes};
  }
  json.set("path", output);
  return Outcome{
      .json = std::move(json),
      .text = fmt::format("{} {} of {}: {}\n", sealed.kept ? "already attested" : "attested", document.word,
                          count_of(document.subjects.size(), "file"), printable(output))};
}

std::vector<Flag> flags() {
  std::vector<Flag> list{
      {.name = "type",
       .value = "TYPE",
       .help = "what is claimed",
       .choices = {"slsa-provenance", "vsa", "sbom", "test-result", "release"}},
      {.name = "statement",
       .value = "PATH",
       .help = "an in-toto statement made elsewhere, signed as it is; - is stdin"},
      {.name = "predicate", .value = "PATH", .help = "the claim itself, as JSON; - is stdin"},
      {.name = "output",
       .value = "PATH",
       .help = "where to; by default FILE.TYPE.sigstore.json; - is stdout"},
      {.name = "purl", .value = "PURL", .help = "release: the package and its version"},
      {.name = "release", .value = "VERSION", .help = "release: the app of tranche.yaml in this version"},
      {.name = "passed", .value = "TEST", .help = "test-result: passed without a word", .repeated = true},
      {.name = "warned", .value = "TEST", .help = "test-result: passed with a warning", .repeated = true},
      {.name = "failed", .value = "TEST", .help = "test-result: failed", .repeated = true},
      {.name = "url", .value = "URL", .help = "test-result: of the run"},
      {.name = "configuration",
       .value = "PATH",
       .help = "test-result: a file that the run was configured with",
       .repeated = true},
      {.name = "verifier", .value = "URI", .help = "vsa: who checked"},
      {.name = "resource", .value = "URI", .help = "vsa: what was checked"},
      {.name = "policy", .value = "URI", .help = "vsa: against what"},
      {.name = "policy-file", .value = "PATH", .help = "vsa: the policy's bytes, for its digest"},
      {.name = "result", .value = "RESULT", .help = "vsa: how it ended", .choices = {"passed", "failed"}},
      {.name = "level",
       .value = "LEVEL",
       .help = "vsa: SLSA_BUILD_LEVEL_2, or a word of your own",
       .repeated = true},
      {.name = "input", .value = "PATH", .help = "vsa: an attestation that was looked at", .repeated = true}};
  list.push_back({.name = "format",
                  .value = "FORMAT",
                  .help = "a Sigstore bundle, or the DSSE envelope alone",
                  .default_text = "bundle",
                  .choices = {"bundle", "dsse"}});
  for (Flag& flag : bundle_signing_flags()) list.push_back(std::move(flag));
  list.push_back(app_flag());
  return list;
}

}  // namespace

Command attest() {
  return {.name = "attest",
          .summary = "claim something about files and sign it, as an in-toto statement",
          .help_path = "commands/attest.md",
          .changes = true,
          .arguments =
              {{.name = "path", .help = "the files that it is about", .required = false, .repeated = true}},
          .flags = flags(),
          .run = run};
}

}  // namespace tranche::commands
