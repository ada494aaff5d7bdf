// What a release is proved with: bills of materials, advisories, keys and who is believed.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

const TextKind path_kind{"a path", check_repository_path, ""};
const TextKind url_kind{"an http(s) url", check_http_url, "^https?://"};
const TextKind line_kind{"a line of text"};

ListRule one_or_many(std::size_t least = 0) {
  ListRule rule;
  rule.one_or_many = true;
  rule.least = least;
  return rule;
}
ListRule list_of(std::string noun, std::string of) {
  ListRule rule;
  rule.noun = std::move(noun);
  rule.of = std::move(of);
  return rule;
}
Codec<std::vector<std::string>> paths() { return list(text(path_kind), one_or_many()); }

const Table<Sbom>& sbom_table() {
  static const Table<Sbom> table{
      "sbom",
      "Bills of materials.",
      {field("formats", &Sbom::formats,
             list(word({"cyclonedx-1.6", "cyclonedx-1.5", "spdx-2.3"}), one_or_many(1)), "formats to write"),
       field("scan", &Sbom::scan, list(text(path_kind), one_or_many()), "directories to look through"),
       field("file", &Sbom::file, text(path_kind), "a bill of materials made elsewhere")},
      {}};
  return table;
}

// A day, "2027-01-31", or an instant.
Result<Instant> parse_day(std::string_view text) {
  const bool day = text.size() == 10;
  return parse_instant(day ? std::string(text) + "T00:00:00Z" : std::string(text));
}
std::string day_text(Instant when) {
  std::string text = tranche::to_text(when);
  return text.ends_with("T00:00:00Z") ? text.substr(0, 10) : text;
}
Codec<Instant> day() {
  return {[](const Value& value, Instant& out, Reader& reader) {
            if (!value.is_string()) return reader.wrong_type(value, "a date", "write 2027-01-31");
            const auto when = parse_day(value.as_string());
            if (!when)
              return reader.bad_value(value,
                                      fmt::format("'{}' is not a date", printable(value.as_string(), 64)),
                                      "write 2027-01-31");
            out = *when;
          },
          [](const Instant& from) { return Value(day_text(from)); },
          [](SchemaBook&) { return Value::object({{"type", "string"}}); }};
}

const Table<Vulnerabilities::Ignore>& ignore_table() {
  using Ignore = Vulnerabilities::Ignore;
  static const Table<Ignore> table{
      "ignored-advisory",
      "An advisory that refuses nothing for some time.",
      {field("id", &Ignore::id, text(line_kind), "of the advisory, or an alias of it").must(),
       field("until", &Ignore::until, day(), "from this day on it counts again").must(),
       field("reason", &Ignore::reason, text(line_kind), "why; shown with the finding").must()},
      {}};
  return table;
}

Field<Vulnerabilities> ignore_until_field() {
  Field<Vulnerabilities> f;
  f.key = "ignore-until";
  f.doc = "before this day findings are shown and refuse nothing";
  f.read = [codec = day()](const Value& value, Vulnerabilities& into, Reader& reader) {
    Instant when{};
    codec.read(value, when, reader);
    into.ignore_until = when;
  };
  f.write = [](const Vulnerabilities& from) {
    return from.ignore_until ? Value(day_text(*from.ignore_until)) : Value();
  };
  f.schema = [](SchemaBook& book) { return day().schema(book); };
  return f;
}

const Table<Vulnerabilities>& vulnerabilities_table() {
  using Severity = Vulnerabilities::Severity;
  static const Table<Vulnerabilities> table{
      "vulnerabilities",
      "Advisories that the components of a release are held against.",
      {field("advisories", &Vulnerabilities::advisories, text(path_kind), "directory or .zip of OSV records")
           .must(),
       field("vex", &Vulnerabilities::vex, paths(),
             "OpenVEX or CycloneDX files that say what does not apply"),
       group<Vulnerabilities>(
           "policy", "What is refused.",
           {field("severity", &Vulnerabilities::severity,
                  choice<Severity>({{"low", Severity::low},
                                    {"medium", Severity::medium},
                                    {"high", Severity::high},
                                    {"critical", Severity::critical}}),
                  "findings of this severity and above are refused; unknown severity counts as critical"),
            ignore_until_field(),
            field("ignore", &Vulnerabilities::ignore,
                  list(record<Vulnerabilities::Ignore>(ignore_table), list_of("advisory", "advisories")),
                  "advisories that refuse nothing for some time")})},
      {}};
  return table;
}

const Table<Behaviour>& behaviour_table() {
  static const Table<Behaviour> table{
      "behaviour",
      "Files that make an agent's behaviour; they are hashed into the release manifest.",
      {field("prompts", &Behaviour::prompts, paths(), "paths or globs"),
       field("parameters", &Behaviour::parameters, paths(), "paths or globs"),
       field("tools", &Behaviour::tools, paths(), "schemas of tools: paths or globs"),
       field("models", &Behaviour::models, paths(), "directories or files of model weights")},
      {}};
  return table;
}

const Table<Identity>& identity_table() {
  static const Table<Identity> table{
      "identity",
      "Who may sign without a key of their own.",
      {field("identity", &Identity::identity, text(line_kind),
             "as the certificate has it: an address, or the url of a workflow at a ref")
           .must(),
       field("issuer", &Identity::issuer, text(url_kind), "url of the OIDC provider").must()},
      {}};
  return table;
}

const Table<Trust>& trust_table() {
  static const Table<Trust> table{
      "trust",
      "Public keys, in the repository, and identities.",
      {field("root", &Trust::root, paths(), "signs rotations of the other keys only"),
       field("release", &Trust::release, paths(), "may introduce artifacts"),
       field("feed", &Trust::feed, paths(), "may widen or stop, never introduce"),
       field("journal", &Trust::journal, paths(), "signs the checkpoints of the journal"),
       field("identities", &Trust::identities,
             list(record<Identity>(identity_table), list_of("identity", "identities")),
             "may sign artifacts and attestations without a key of their own"),
       field("trusted-root", &Trust::trusted_root, text(path_kind),
             "Sigstore trusted_root.json: whose certificates, logs and timestamps count")},
      {}};
  return table;
}

const Table<Signing>& keyless_table() {
  static const Table<Signing> table{
      "keyless",
      "Signing with a short-lived certificate instead of a key.",
      {field("token", &Signing::token, secret_reference(false),
             "identity token: env:TRANCHE_NAME or file:PATH; by default the CI's own")},
      {}};
  return table;
}

Value write_keyless(const Signing& from) {
  Value keyless = Value::object();
  if (!from.token.empty()) keyless.set("token", from.token);
  return keyless;
}

// signing.keyless: beside a release key. Absent is not the same as empty.
Field<Signing> keyless_field() {
  Field<Signing> f;
  f.key = "keyless";
  f.doc = "artifacts are signed by a certificate for the CI's identity token, besides the manifest's key";
  f.read = [](const Value& value, Signing& into, Reader& reader) {
    if (!value.is_object())
      return reader.bad_value(value, "keyless is a map",
                              "write keyless: {} or keyless: { token: env:TRANCHE_NAME }");
    into.keyless = true;
    keyless_table().read(value, into, reader, into.place);
  };
  f.always = true;
  f.when = [](const Signing& from) { return from.keyless && !from.release.empty(); };
  f.write = write_keyless;
  f.schema = [](SchemaBook& book) { return within("keyless", record<Signing>(keyless_table)).schema(book); };
  return f;
}

// signing.release: a reference, or { keyless: {...} } where nothing else signs.
Field<Signing> release_key_field() {
  const Codec<std::string> reference = secret_reference(true);
  Field<Signing> f;
  f.key = "release";
  f.doc = "key that signs manifests: env:TRANCHE_NAME, file:PATH, pkcs11:URI or { keyless: {...} }";
  f.read = [reference](const Value& value, Signing& into, Reader& reader) {
    if (!value.is_object()) return reference.read(value, into.release, reader);
    const Value* keyless = value.find("keyless");
    if (keyless == nullptr || value.as_object().size() != 1 || !keyless->is_object())
      return reader.bad_value(value, "a map here holds just `keyless: {...}`",
                              "write env:TRANCHE_NAME, file:PATH or { keyless: {...} }");
    into.keyless = true;
    keyless_table().read(*keyless, into, reader, into.place);
  };
  f.write = [](const Signing& from) {
    if (!from.keyless || !from.release.empty()) return Value(from.release);
    return Value::object({{"keyless", write_keyless(from)}});
  };
  f.schema = [reference](SchemaBook& book) {
    Value keyless = Value::object({{"type", "object"}});
    keyless.set("properties",
                Value::object({{"keyless", within("keyless", record<Signing>(keyless_table)).schema(book)}}));
    keyless.set("required", Value(doc::Array{Value("keyless")}));
    keyless.set("additionalProperties", false);
    return Value::object({{"anyOf", Value(doc::Array{reference.schema(book), std::move(keyless)})}});
  };
  return f;
}

Field<Signing> rekor_version_field() {
  Field<Signing> f =
      field("rekor-version", &Signing::rekor_version, integer(1, 2), "API of that log: 1 or 2");
  f.fallback = Value();
  f.write = [](const Signing& from) { return from.rekor_version == 1 ? Value() : Value(from.rekor_version); };
  return f;
}

const Table<Signing>& signing_table() {
  static const Table<Signing> table{
      "signing",
      "References to private keys; never the keys themselves.",
      {release_key_field(), keyless_field(),
       field("feed", &Signing::feed, secret_reference(true), "key that signs feeds"),
       field("journal", &Signing::journal, secret_reference(true), "key that signs the journal"),
       field("passphrase", &Signing::passphrase, secret_reference(false),
             "opens keys that are locked, or is their token's PIN; read only where it is needed"),
       field("fulcio", &Signing::fulcio, text(url_kind), "certificate authority of keyless signing"),
       field("rekor", &Signing::rekor, text(url_kind), "transparency log that signatures go into"),
       rekor_version_field(),
       field("tsa", &Signing::tsa, text(url_kind), "RFC 3161 timestamp authority; the whole url"),
       field("signing-config", &Signing::signing_config, text(path_kind),
             "Sigstore signing_config.json that names these services instead")},
      {}};
  return table;
}

}  // namespace

Codec<Sbom> sbom_codec() { return within("sbom", record<Sbom>(sbom_table)); }
Codec<Vulnerabilities> vulnerabilities_codec() {
  Codec<Vulnerabilities> codec = within("vulnerabilities", record<Vulnerabilities>(vulnerabilities_table));
  codec.write = [write = std::move(codec.write)](const Vulnerabilities& from) {
    return from.advisories.empty() ? Value() : write(from);
  };
  return codec;
}
Codec<Behaviour> behaviour_codec() { return within("behaviour", record<Behaviour>(behaviour_table)); }
Codec<Trust> trust_codec() { return within("trust", record<Trust>(trust_table)); }
Codec<Signing> signing_codec() { return within("signing", record<Signing>(signing_table)); }

}  // namespace tranche::spec
