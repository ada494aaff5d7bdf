// Manifest ⇄ canonical JSON, sealed and opened.
#include "artifact/manifest.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "base/version.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "signing/dsse.hpp"

namespace tranche::artifact {

namespace {

constexpr std::uint64_t max_size = (1ULL << 53) - 1;  // what a JSON number holds exactly (RFC 8785)
constexpr std::size_t max_documents = 256;
constexpr doc::Limits payload_limits{.max_bytes = max_manifest_bytes, .max_depth = 16, .max_nodes = 100'000};

bool only_holds(std::string_view text, std::string_view others) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." && only_holds(name, "._~+@=-");
}

bool valid_platform(std::string_view platform) {
  return !platform.empty() && platform.size() <= 64 && only_holds(platform, "._-/") &&
         platform.front() != '/' && platform.back() != '/';
}

Result<> check_digest(std::string_view what, const std::string& name, std::uint64_t size,
                      const std::string& sha256) {
  if (size > max_size)
    return fail(ErrorKind::invalid, "{} '{}' is larger than 2^53 bytes", what, printable(name));
  if (sha256.size() != 64 || lower(sha256) != sha256 || !crypto::parse_sha256(sha256))
    return fail(ErrorKind::invalid, "{} '{}' has no SHA-256 of 64 lower-case hex digits", what,
                printable(name));
  return {};
}

Result<> check_entry(std::string_view what, const std::string& name, std::uint64_t size,
                     const std::string& sha256, std::set<std::string>& names) {
  if (!valid_name(name))
    return fail_hint(ErrorKind::invalid, "use letters, digits and . _ ~ + @ = - only, at most 255",
                     "'{}' is no name for {}", printable(name), what);
  TRY(check_digest(what, name, size, sha256));
  if (!names.insert(name).second)
    return fail_hint(ErrorKind::invalid, "give one of them another name", "the name '{}' stands twice", name);
  return {};
}

Result<> check_version(std::string_view what, const std::string& version) {
  if (valid_version(version)) return {};
  return fail_hint(ErrorKind::invalid, "versions look like 1.2.0 or 1.2.0-rc.1 (semver.org)", "'{}' is no {}",
                   printable(version), what);
}

doc::Value entry(std::string_view kind, const std::string& text, const std::string& name, std::uint64_t size,
                 const std::string& sha256) {
  doc::Value value = doc::Value::object();
  value.set("name", name);
  value.set(std::string(kind), text);
  value.set("size", size);
  value.set("sha256", sha256);
  return value;
}

doc::Value documents(const std::vector<Document>& list, std::string_view kind) {
  doc::Value array = doc::Value::array();
  for (const Document& document : list)
    array.push(entry(kind, document.type, document.name, document.size, document.sha256));
  return array;
}

Result<std::uint64_t> read_size(const doc::Value& value) {
  const std::int64_t size = TRY(value.integer("size", ErrorKind::verification));
  if (size < 0) return fail(ErrorKind::verification, "a size is negative");
  return static_cast<std::uint64_t>(size);
}

Result<std::vector<Document>> read_documents(const doc::Value& manifest, std::string_view member,
                                             std::string_view kind) {
  std::vector<Document> list;
  if (manifest.find(member) == nullptr) return list;
  for (const doc::Value& value : TRY(manifest.array_at(member, ErrorKind::verification))->as_array()) {
    Document document;
    document.name = TRY(value.text("name", ErrorKind::verification));
    document.type = TRY(value.text(kind, ErrorKind::verification));
    document.size = TRY(read_size(value));
    document.sha256 = TRY(value.text("sha256", ErrorKind::verification));
    list.push_back(std::move(document));
  }
  return list;
}

Result<> check_behaviours(const std::vector<Behaviour>& list) {
  if (list.size() > max_behaviours)
    return fail_hint(ErrorKind::invalid, "name directories of models as one, and fewer prompts",
                     "the release has {} files of behaviour, more than {}", list.size(), max_behaviours);
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const Behaviour& one : list) {
    const bool is_word = !one.kind.empty() && one.kind.size() <= 32 && only_holds(one.kind, "-");
    if (!is_word)
      return fail_hint(ErrorKind::invalid, "prompt, parameter, tool or model", "'{}' is no kind of behaviour",
                       printable(one.kind, 40));
    if (one.name.empty() || one.name.size() > 1024 || printable(one.name, 1024) != one.name)
      return fail_hint(ErrorKind::invalid, "rename the file", "'{}' is no name for a file of behaviour",
                       printable(one.name));
    TRY(check_digest(one.kind, one.name, one.size, one.sha256));
    if (!names.emplace(one.kind, one.name).second)
      return fail_hint(ErrorKind::invalid, "list it once", "the {} '{}' stands twice", one.kind, one.name);
  }
  return {};
}

Result<std::vector<Behaviour>> read_behaviours(const doc::Value& manifest) {
  constexpr auto kind = ErrorKind::verification;
  std::vector<Behaviour> list;
  if (manifest.find("behaviour") == nullptr) return list;
  for (const doc::Value& value : TRY(manifest.array_at("behaviour", kind))->as_array()) {
    Behaviour one;
    one.name = TRY(value.text("name", kind));
    one.kind = TRY(value.text("kind", kind));
    one.size = TRY(read_size(value));
    one.sha256 = TRY(value.text("sha256", kind));
    list.push_back(std::move(one));
  }
  return list;
}

Result<Manifest> read_manifest(const doc::Value& value) {
  constexpr auto kind = ErrorKind::verification;
  const std::string schema = TRY(value.text("schema", kind));
  if (schema != manifest_schema)
    return fail_hint(kind, "it was made by another version of tranche",
                     "the manifest has schema '{}', wanted '{}'", printable(schema, 80), manifest_schema);
  Manifest manifest;
  manifest.app = TRY(value.text("app", kind));
  manifest.version = TRY(value.text("version", kind));
  manifest.created = TRY(parse_instant(TRY(value.text("created", kind))));
  for (const doc::Value& item : TRY(value.array_at("artifacts", kind))->as_array()) {
    Artifact artifact;
    artifact.name = TRY(item.text("name", kind));
    artifact.platform = TRY(item.text("platform", kind));
    artifact.size = TRY(read_size(item));
    artifact.sha256 = TRY(item.text("sha256", kind));
    manifest.artifacts.push_back(std::move(artifact));
  }
  manifest.sboms = TRY(read_documents(value, "sboms", "format"));
  manifest.attestations = TRY(read_documents(value, "attestations", "predicate-type"));
  manifest.signatures = TRY(read_documents(value, "signatures", "format"));
  manifest.feeds = TRY(read_documents(value, "feeds", "feed"));
  manifest.same_as = TRY(value.text_or("same-as", "", kind));
  manifest.fallback_for = TRY(value.text_or("fallback-for", "", kind));
  manifest.behaviour = TRY(read_behaviours(value));
  TRY(check_manifest(manifest));
  return manifest;
}

}  // namespace

const Artifact* Manifest::find(std::string_view name) const {
  const auto found = std::ranges::find(artifacts, name, &Artifact::name);
  return found == artifacts.end() ? nullptr : &*found;
}

Result<> check_manifest(const Manifest& manifest) {
  if (manifest.app.empty() || manifest.app.size() > 128 || !only_holds(manifest.app, "._-"))
    return fail_hint(ErrorKind::invalid, "use letters, digits and . _ - only, at most 128",
                     "'{}' is no name for an app", printable(manifest.app));
  TRY(check_version("version", manifest.version));
  if (!manifest.same_as.empty()) TRY(check_version("version for same-as", manifest.same_as));
  if (!manifest.fallback_for.empty()) TRY(check_version("version for fallback-for", manifest.fallback_for));
  if (manifest.artifacts.empty())
    return fail_hint(ErrorKind::invalid,
                     "list what is to ship under artifacts:", "the release has no artifact");
  if (manifest.artifacts.size() > max_artifacts)
    return fail(ErrorKind::invalid, "the release has {} artifacts, more than {}", manifest.artifacts.size(),
                max_artifacts);
  std::set<std::string> names;
  for (const Artifact& artifact : manifest.artifacts) {
    TRY(check_entry("artifact", artifact.name, artifact.size, artifact.sha256, names));
    if (!valid_platform(artifact.platform))
      return fail_hint(ErrorKind::invalid, "platforms look like linux/amd64, or any", "'{}' is no platform",
                       printable(artifact.platform));
  }
  if (manifest.sboms.size() > max_documents || manifest.attestations.size() > max_documents ||
      manifest.feeds.size() > max_documents || manifest.signatures.size() > manifest.artifacts.size())
    return fail(ErrorKind::invalid, "the release has more than {} documents", max_documents);
  for (const Document& sbom : manifest.sboms)
    TRY(check_entry("SBOM", sbom.name, sbom.size, sbom.sha256, names));
  for (const Document& one : manifest.attestations)
    TRY(check_entry("attestation", one.name, one.size, one.sha256, names));
  for (const Document& one : manifest.signatures)
    TRY(check_entry("signature", one.name, one.size, one.sha256, names));
  for (const Document& one : manifest.feeds)
    TRY(check_entry("feed document", one.name, one.size, one.sha256, names));
  return check_behaviours(manifest.behaviour);
}

Result<std::string> to_payload(const Manifest& manifest) {
  TRY(check_manifest(manifest));
  std::vector<Artifact> sorted = manifest.artifacts;
  std::ranges::sort(sorted, {}, &Artifact::name);
  doc::Value artifacts = doc::Value::array();
  for (const Artifact& one : sorted)
    artifacts.push(entry("platform", one.platform, one.name, one.size, one.sha256));
  doc::Value value = doc::Value::object();
  value.set("schema", manifest_schema);
  value.set("app", manifest.app);
  value.set("version", manifest.version);
  value.set("created", to_text(manifest.created));
  value.set("artifacts", std::move(artifacts));
  if (!manifest.sboms.empty()) value.set("sboms", documents(manifest.sboms, "format"));
  if (!manifest.attestations.empty())
    value.set("attestations", documents(manifest.attestations, "predicate-type"));
  if (!manifest.signatures.empty()) value.set("signatures", documents(manifest.signatures, "format"));
  if (!manifest.feeds.empty()) value.set("feeds", documents(manifest.feeds, "feed"));
  if (!manifest.same_as.empty()) value.set("same-as", manifest.same_as);
  if (!manifest.fallback_for.empty()) value.set("fallback-for", manifest.fallback_for);
  if (!manifest.behaviour.empty()) {
    std::vector<Behaviour> ordered = manifest.behaviour;
    std::ranges::sort(ordered, {}, [](const Behaviour& one) { return std::tie(one.kind, one.name); });
    doc::Value list = doc::Value::array();
    for (const Behaviour& one : ordered) list.push(entry("kind", one.kind, one.name, one.size, one.sha256));
    value.set("behaviour", std::move(list));
  }
  std::string payload = TRY(doc::canonical_json(value));
  if (payload.size() > max_manifest_bytes)
    return fail(ErrorKind::invalid, "the manifest has {} bytes, more than {}", payload.size(),
                max_manifest_bytes);
  return payload;
}

Result<Manifest> parse_payload(std::string_view payload) {
  auto value = doc::parse_json(payload, "<manifest>", payload_limits);
  if (!value)
    return fail(ErrorKind::verification, "the manifest is not valid JSON: {}", value.error().message);
  auto manifest = read_manifest(*value);
  if (!manifest)
    return fail_hint(ErrorKind::verification, manifest.error().hint, "the manifest is not valid: {}",
                     manifest.error().message);
  return manifest;
}

Result<std::string> seal(const Manifest& manifest, const crypto::Ed25519Signer& release_key) {
  return signing::sign_envelope(signing::manifest_type, TRY(to_payload(manifest)), release_key);
}

Result<Manifest> open_manifest(std::string_view envelope, const signing::Trust& trust,
                               std::string_view expected_app,
                               std::optional<std::string_view> expected_version) {
  const std::string payload = TRY(signing::open_envelope(envelope, signing::manifest_type, trust));
  Manifest manifest = TRY(parse_payload(payload));
  if (manifest.app != expected_app)
    return fail_hint(ErrorKind::verification, "the manifest of another app was given, or swapped in",
                     "the manifest is for app '{}', wanted '{}'", printable(manifest.app),
                     printable(expected_app));
  if (expected_version && manifest.version != *expected_version)
    return fail_hint(ErrorKind::verification, "the manifest of another release was given, or swapped in",
                     "the manifest is for version {}, wanted {}", printable(manifest.version),
                     printable(*expected_version));
  return manifest;
}

std::string manifest_digest(std::string_view envelope) { return crypto::to_hex(crypto::sha256(envelope)); }

}  // namespace tranche::artifact
