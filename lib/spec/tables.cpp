// What an app is made of: artifacts, people, channels, flags. Keys and evidence are in tables_signing.cpp,
// gates and sources are in tables_gates.cpp, rollouts and playbooks in tables_rollouts.cpp.
#include "spec/tables.hpp"

#include <algorithm>

#include "crypto/ssh_key.hpp"
#include "spec/grammar.hpp"

namespace tranche::spec {
namespace {

const TextKind path_kind{"a path", check_repository_path, ""};
// A key may stand here itself: a frozen plan holds no paths.
Result<> check_people_key(std::string_view key) {
  if (key.find(' ') == std::string_view::npos) return check_repository_path(key);
  TRY(crypto::ssh_key_from_line(key));
  return {};
}
Result<> check_jwks(std::string_view jwks) {
  if (!jwks.starts_with('{')) return check_repository_path(jwks);
  if (!doc::parse_json(jwks))
    return fail_hint(ErrorKind::invalid, "give the path of the provider's key set", "'{}' is no JSON",
                     printable(jwks, 64));
  return {};
}
const TextKind key_kind{"a path or an OpenSSH public key", check_people_key, ""};
const TextKind name_kind{"a name", check_name, std::string(name_pattern)};

ListRule one_or_many(std::size_t least = 0) {
  ListRule rule;
  rule.one_or_many = true;
  rule.least = least;
  return rule;
}
ListRule items_of(std::string noun, std::string of, std::size_t least = 0) {
  ListRule rule;
  rule.noun = std::move(noun);
  rule.of = std::move(of);
  rule.least = least;
  return rule;
}

const Table<Artifact>& artifact_table() {
  static const Table<Artifact> table{
      "artifact",
      "A file (or container image) to ship.",
      {field("path", &Artifact::path, text({"a path", check_artifact_path, ""}),
             "glob below the repository; {version} stands for the release's version"),
       field("image", &Artifact::image, text({"an image", check_image, ""}),
             "container image, for example images.example/notes@{digest}"),
       field("platform", &Artifact::platform,
             text({"a platform", check_platform, "^(any|[A-Za-z0-9_]+/[A-Za-z0-9_.-]+)$"}),
             "os/architecture; by default guessed from the file name"),
       field("kind", &Artifact::kind, word({"electron-builder"}),
             "electron-builder: takes files, blockmaps and digests from its latest*.yml")},
      [](const Value& value, Artifact& artifact, Reader& reader) {
        const bool path = value.find("path") != nullptr;
        const bool image = value.find("image") != nullptr;
        if (path && image)
          reader.problems.add(artifact.place, "path and image together" + reader.in(),
                              "make two artifacts of them");
        if (!path && !image) report_missing_key(artifact.place, "path", "glob below the repository", reader);
      }};
  return table;
}

// "dist/*.deb" is { path: "dist/*.deb" }.
Codec<Artifact> artifact_codec() {
  const Codec<Artifact> whole = record<Artifact>(artifact_table);
  const Codec<std::string> path = text({"a path or a map", check_artifact_path, ""});
  return {[whole, path](const Value& value, Artifact& out, Reader& reader) {
            if (value.is_object()) return whole.read(value, out, reader);
            path.read(value, out.path, reader);
          },
          whole.write,
          [whole, path](SchemaBook& book) {
            return Value::object({{"anyOf", Value(doc::Array{path.schema(book), whole.schema(book)})}});
          }};
}

Codec<std::map<std::string, std::string>> claims() {
  return {[](const Value& value, std::map<std::string, std::string>& out, Reader& reader) {
            const bool good = value.is_object() && !value.as_object().empty() &&
                              value.as_object().size() <= 32 &&
                              std::ranges::all_of(value.as_object(), [](const Member& member) {
                                return member.value.is_string() && !member.key.empty();
                              });
            if (!good)
              return reader.wrong_type(value, "a map of claims to texts",
                                       "write { repository: acme/notes, environment: production }");
            out.clear();
            for (const Member& member : value.as_object()) out[member.key] = member.value.as_string();
          },
          [](const std::map<std::string, std::string>& from) {
            Object out;
            for (const auto& [claim, expected] : from) out.push_back({claim, Value(expected), {}});
            return Value(std::move(out));
          },
          [](SchemaBook&) {
            Value out = Value::object({{"type", "object"}, {"minProperties", 1}, {"maxProperties", 32}});
            out.set("additionalProperties", Value::object({{"type", "string"}}));
            return out;
          }};
}

const Table<People::Environment>& environment_table() {
  using Environment = People::Environment;
  static const Table<Environment> table{
      "environment",
      "A protected environment of a CI: its identity token approves as one of these people.",
      {field("issuer", &Environment::issuer, text({"an http(s) url", check_http_url, "^https?://"}),
             "url of the OIDC provider")
           .must(),
       field("claims", &Environment::claims, claims(), "what the token must say, word for word").must(),
       field("audience", &Environment::audience, text({"a line of text"}), "whom the token is for"),
       field("jwks", &Environment::jwks, text({"a path", check_jwks, ""}),
             "the provider's keys; by default they are fetched")},
      {}};
  return table;
}
// Absent: nothing is written.
Codec<People::Environment> environment_codec() {
  Codec<People::Environment> codec = record<People::Environment>(environment_table);
  codec.write = [](const People::Environment& from) {
    return from.issuer.empty() ? Value() : environment_table().write(from);
  };
  return codec;
}

const Table<Witness>& witness_table() {
  static const Table<Witness> table{
      "witness",
      "Somebody else who signs that the journal only grew.",
      {field("key", &Witness::key, text({"a verifier key"}), "name+hash+base64, as its operator publishes it")
           .must(),
       field("url", &Witness::url, text({"an http(s) url", check_http_url, "^https?://"}),
             "it is asked at URL/add-checkpoint")},
      {}};
  return table;
}

const Table<People>& people_table() {
  static const Table<People> table{
      "people",
      "Who may approve.",
      {field("keys", &People::keys, list(text(key_kind), one_or_many()),
             "their public keys: files of ours or of OpenSSH (.pub), or such a line itself"),
       field("quorum", &People::quorum, integer(1, 100), "how many of them it takes"),
       field("not", &People::except, word({"author"}), "author: nobody approves their own release"),
       field("expires", &People::expires, duration(std::chrono::minutes(1), std::chrono::hours(24 * 90)),
             "an approval is worth nothing after this"),
       field("environment", &People::environment, environment_codec(),
             "a protected environment of a CI that counts as one of them")},
      [](const Value& value, People& people, Reader& reader) {
        const Value* quorum = value.find("quorum");
        const auto people_in_all =
            static_cast<int>(people.keys.size()) + (people.environment.issuer.empty() ? 0 : 1);
        if (value.is_object() && value.find("keys") == nullptr && value.find("environment") == nullptr)
          report_missing_key(people.place, "keys", "their public keys", reader);
        if (quorum != nullptr && people_in_all > 0 && people.quorum > people_in_all)
          reader.problems.add(quorum->place,
                              fmt::format("a quorum of {}{}, where there are {} keys", people.quorum,
                                          reader.in(), people.keys.size()),
                              "ask for at most as many as there are keys");
      }};
  return table;
}

Value default_of(Flag::Type type) {
  if (type == Flag::Type::boolean) return Value(false);
  return type == Flag::Type::text ? Value("") : Value(0);
}

const Table<Flag>& flag_table() {
  using Type = Flag::Type;
  static const Table<Flag> table{
      "flag",
      "A remote switch.",
      {field("type", &Flag::type,
             choice<Type>({{"bool", Type::boolean}, {"string", Type::text}, {"number", Type::number}}),
             "of its value; by default that of `default`"),
       field("default", &Flag::fallback, any_value(), "value while nobody has set it").written_always(),
       field("kill-switch", &Flag::kill_switch, boolean(), "may be thrown by one person, without approval")},
      [](const Value& value, Flag& flag, Reader& reader) {
        const Value* given = value.find("default");
        if (given == nullptr || given->is_null()) {
          flag.fallback = default_of(flag.type);
          return;
        }
        if (value.find("type") == nullptr && !given->is_bool())
          flag.type = given->is_number() ? Type::number : Type::text;
        const bool fits = flag.type == Type::boolean ? given->is_bool()
                          : flag.type == Type::text  ? given->is_string()
                                                     : given->is_number();
        if (fits) return;
        reader.key = "default";
        reader.wrong_type(*given,
                          flag.type == Type::boolean ? "true or false"
                          : flag.type == Type::text  ? "a string"
                                                     : "a number",
                          "let `type` and `default` agree");
      }};
  return table;
}

}  // namespace

const Table<Root>& root_table() {
  static const Table<Root> table{
      "file",
      "The delivery of one or several apps.",
      {field("version", &Root::version, integer(1, 1), "version of this grammar: 1").must(),
       field("app", &Root::app, text(name_kind), "name of the app; or give `apps`"),
       field("include", &Root::include, list(text(path_kind), one_or_many()),
             "files (or globs) below the repository that hold more of these keys")},
      {}};
  return table;
}

const Table<GatesFile>& gates_file_table() {
  static const Table<GatesFile> table{
      "gates-file",
      "Gates alone.",
      {field("version", &GatesFile::version, integer(1, 1), "version of this grammar: 1").must(),
       field("gates", &GatesFile::gates, named("gate", gate_codec()), "questions asked of metrics").must()},
      {}};
  return table;
}

const Table<App>& app_table() {
  static const Table<App> table{
      "app",
      "One product with its own versions: endpoint app or service.",
      {field("artifacts", &App::artifacts, list(artifact_codec(), items_of("artifact", "paths or maps")),
             "what to ship"),
       field("sbom", &App::sbom, sbom_codec(), "bills of materials"),
       field("vulnerabilities", &App::vulnerabilities, vulnerabilities_codec(),
             "advisories that components are held against"),
       field("behaviour", &App::behaviour, behaviour_codec(),
             "prompts, parameters, tools and models that a release is made of beside its code"),
       field("trust", &App::trust, trust_codec(), "public keys, in the repository"),
       field("signing", &App::signing, signing_codec(), "references to private keys"),
       field("people", &App::people, named("people", record<People>(people_table)), "who may approve"),
       field("state", &App::state, state_codec(),
             "where the journal lives: git, { git: {...} }, dir:PATH or s3://BUCKET/PREFIX"),
       group<App>("witnesses", "Others who sign the journal's checkpoints.",
                  {field("known", &App::witnesses_known, named("witness", record<Witness>(witness_table)),
                         "by name"),
                   field("required", &App::witnesses_required, integer(0, 32),
                         "signatures that a checkpoint must have before exposure grows")
                       .only([](const App& app) { return app.witnesses_required > 0; })}),
       field("undo-order", &App::undo_order, list(text(name_kind), one_or_many()),
             "rollouts of this file: those named first are taken back before the others"),
       field("channels", &App::channels, named("channel", channel_codec()), "update streams"),
       field("cohorts", &App::cohorts, named("cohort", cohort_codec()), "named sets of devices"),
       field("sources", &App::sources, named("source", source_codec()),
             "systems that gates read metrics from"),
       field("gates", &App::gates, named("gate", gate_codec()),
             "questions asked of metrics; with one source and no gates: `crashes` on the check-in counters"),
       field("rollouts", &App::rollouts, named("rollout", rollout_codec()),
             "ordered stages; by default one rollout a channel, of the channel's name"),
       field("playbooks", &App::playbooks, named("playbook", playbook_codec()),
             "steps taken when something is wrong; by default `rollback` withdraws and falls back"),
       field("flags", &App::flags, named("flag", record<Flag>(flag_table)), "remote switches")},
      {}};
  return table;
}

}  // namespace tranche::spec
