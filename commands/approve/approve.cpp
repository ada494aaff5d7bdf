#include "actions/environment.hpp"
#include "base/text.hpp"
#include "commands/approve/shared.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"
#include "signing/signers.hpp"

namespace tranche::commands {
namespace {

constexpr int most_tries = 20;
constexpr const char* usual_key = "TRANCHE_APPROVER_KEY";

enum class Way { key, ssh, environment, import };

struct Choice {
  Way way = Way::key;
  std::string reference;  // of the key or the token; path of the SSH key or the document
};

Result<Choice> choose(const Options& options, Context& context) {
  std::vector<Choice> given;
  if (options.given("key")) given.push_back({Way::key, options.text("key")});
  if (options.given("ssh-key")) given.push_back({Way::ssh, options.text("ssh-key")});
  if (options.given("environment") || options.given("identity-token"))
    given.push_back(
        {Way::environment, options.given("identity-token") ? options.text("identity-token") : ""});
  if (options.given("import")) given.push_back({Way::import, options.text("import")});
  if (given.size() > 1)
    return fail_hint(ErrorKind::usage, "give one of --key, --ssh-key, --environment and --import",
                     "an approval is signed in one way");
  if (given.empty() && !context.world.environ.get(usual_key).value_or("").empty())
    given.push_back({Way::key, std::string("env:") + usual_key});
  if (given.empty())
    return fail_hint(ErrorKind::usage,
                     fmt::format("--key REF (or set {}), --ssh-key PATH, --environment in a protected "
                                 "environment of the CI, --import FILE for a document that is signed already",
                                 usual_key),
                     "nothing says what signs the approval");
  if (given[0].way == Way::import) {
    if (options.given("out") || options.given("reject"))
      return fail_hint(ErrorKind::usage, "leave it out",
                       "--out and --reject belong to making an approval, --import to recording one");
  } else if (!options.given("id")) {
    return fail_hint(ErrorKind::usage, "see what waits: tranche approve list",
                     "which one is to be approved?");
  }
  return std::move(given[0]);
}

// `ssh-keygen -Y sign`: the key may lie in an agent, PATH being its public half. It never asks for a
// passphrase: nobody may be there to answer.
Result<std::string> sign_by_ssh(Context& context, const std::string& path, const std::string& payload) {
  ports::ProcessRequest request;
  request.argv = {"ssh-keygen", "-Y", "sign", "-n", std::string(signing::ssh_namespace), "-f", path};
  request.input = payload;
  request.environment = {{"SSH_ASKPASS", "/bin/false"}, {"SSH_ASKPASS_REQUIRE", "force"}};
  if (const auto agent = context.world.environ.get("SSH_AUTH_SOCK"))
    request.environment["SSH_AUTH_SOCK"] = *agent;
  const auto result = context.world.process.run(request);
  if (!result)
    return fail_hint(result.error().kind, "apt-get install openssh-client, or use --key", "ssh-keygen: {}",
                     result.error().message);
  if (result->exit_code != 0)
    return fail_hint(ErrorKind::failed,
                     "a key with a passphrase is taken from the agent: ssh-add KEY, then --ssh-key KEY.pub",
                     "ssh-keygen did not sign with '{}': {}", printable(path, 200),
                     printable(trim(result->err), 300));
  return signing::with_ssh_signature(payload, result->out);
}

Result<std::string> make_document(const Options& options, Context& context, const Opened& opened,
                                  const Choice& choice, const engine::Waiting& waiting) {
  const signing::Approval approval =
      TRY(actions::make_approval(waiting.frozen, waiting.request, opened.deck->by(),
                                 context.world.clock.now(), !options.given("reject"), context.reason));
  const std::string payload = TRY(signing::to_payload(approval));
  switch (choice.way) {
    case Way::ssh:
      return sign_by_ssh(context, choice.reference, payload);
    case Way::environment: {
      const spec::People* people = TRY(actions::people_of(waiting.frozen, waiting.request));
      const Secret token =
          TRY(actions::find_environment_token(*opened.deck, people->environment, choice.reference));
      return actions::environment_approval(*opened.deck, waiting.frozen, waiting.request, approval, token,
                                           context.world.clock.now());
    }
    default: {
      const auto signer =
          TRY_WHILE("reading the approver's key",
                    signing::load_signer(context.world, opened.loaded.repository(), choice.reference,
                                         options.given("key-password") ? options.text("key-password") : ""));
      return signing::sign_approval(payload, *signer);
    }
  }
}

doc::Value outcome_json(const engine::Waiting& waiting, bool recorded, bool approves) {
  doc::Value json = doc::Value::object({{"schema", "tranche/approve/v1"}});
  const doc::Value shown = waiting_json(waiting);
  for (const doc::Member& member : shown.as_object()) json.set(member.key, member.value);
  json.set("decision", approves ? "approve" : "reject");
  json.set("recorded", recorded);
  return json;
}

// Another runner may write at the same moment: the answer is looked at again on what it left.
Result<Outcome> record(Context& context, const Opened& opened, const std::string& id,
                       const std::string& document, actions::Vouched vouched) {
  actions::Deck& deck = *opened.deck;
  for (int attempt = 1;; ++attempt) {
    engine::Waiting waiting = TRY(engine::find_waiting(deck, id));
    const auto accepted = TRY(actions::check_approval(deck, waiting.frozen, waiting.request, document,
                                                      context.world.clock.now(), vouched));
    const bool approves = accepted.approval.approves;
    const std::string word = approves ? "approved" : "rejected";
    if (accepted.again)
      return Outcome{0, outcome_json(waiting, false, approves),
                     fmt::format("'{}' has {} it already: nothing to record\n", accepted.name, word)};
    if (context.dry_run)
      return Outcome{0, outcome_json(waiting, false, approves),
                     fmt::format("would record: '{}' {} {}\n", accepted.name, word, waiting.request.what)};
    const auto appended =
        deck.append({TRY(actions::approval_draft(deck, waiting.request, document, accepted))});
    if (appended) {
      waiting = TRY(engine::find_waiting(deck, id));
      return Outcome{
          0, outcome_json(waiting, true, approves),
          fmt::format("'{}' {} {}\n{}\n", accepted.name, word, waiting.request.what, standing_text(waiting))};
    }
    if (appended.error().kind != ErrorKind::conflict || attempt == most_tries) return fail(appended.error());
    TRY(deck.reload());
  }
}

Result<Outcome> import_document(const Options& options, Context& context, const Opened& opened,
                                const std::string& path) {
  const std::string document = TRY(read_input(context, path, signing::max_approval_bytes));
  const auto parsed = TRY(signing::parse_approval(document));
  if (options.given("id") && options.text("id") != parsed.approval.id)
    return fail_hint(ErrorKind::denied, "leave the id out, or give the other document",
                     "'{}' holds an approval of {}", printable(path), printable(parsed.approval.id));
  return record(context, opened, parsed.approval.id, document, actions::Vouched::no);
}

Result<Outcome> run_approve(const Options& options, Context& context) {
  const Choice choice = TRY(choose(options, context));
  const Opened opened = TRY(open_deck(context, options));
  if (choice.way == Way::import) return import_document(options, context, opened, choice.reference);
  const std::string id = options.text("id");
  const engine::Waiting waiting = TRY(engine::find_waiting(*opened.deck, id));
  const bool approves = !options.given("reject");
  if (context.dry_run)
    return Outcome{0, outcome_json(waiting, false, approves),
                   fmt::format("would {} {}\n  digest {}\n  {}\n", approves ? "approve" : "reject",
                               waiting.request.what, waiting.request.digest, standing_text(waiting))};
  if (!options.given("out")) {
    // Before a person touches a token: the record has to be signed too.
    const auto key = opened.deck->journal_key();
    if (!key)
      return fail_hint(key.error().kind,
                       "without it: tranche approve ID --out approval.json, and whoever has it (the CI) runs "
                       "tranche approve --import approval.json",
                       "recording it takes the journal's key: {}", key.error().message);
  } else if (choice.way == Way::environment) {
    return fail_hint(ErrorKind::usage, "leave --out out",
                     "an environment's approval is recorded where its token is looked at");
  }
  const std::string document = TRY(make_document(options, context, opened, choice, waiting));
  if (!options.given("out"))
    return record(context, opened, id, document,
                  choice.way == Way::environment ? actions::Vouched::yes : actions::Vouched::no);
  // Not what would be refused later: it is looked at here too.
  const auto accepted = TRY(actions::check_approval(*opened.deck, waiting.frozen, waiting.request, document,
                                                    context.world.clock.now()));
  const std::string path = options.text("out");
  Outcome outcome{0, outcome_json(waiting, false, approves), {}};
  outcome.json.set("path", path);
  if (path == "-") {
    outcome.json.set("document", document);
    outcome.text = document;
    return outcome;
  }
  TRY(context.world.files.write(path, document));
  outcome.text = fmt::format("wrote {}, signed by '{}': record it with tranche approve --import {}\n",
                             printable(path), accepted.name, printable(path));
  return outcome;
}

}  // namespace

Command approve() {
  return {
      .name = "approve",
      .summary = "say yes or no to a stage, a playbook's step or a resume, with your own key",
      .help_path = "commands/approve/approve.md",
      .changes = true,
      .arguments = {{.name = "id", .help = "what waits, as rollout status shows it", .required = false}},
      .flags = {{.name = "key",
                 .value = "REF",
                 .help = "your key: env:TRANCHE_NAME, file:PATH or pkcs11:URI; without: "
                         "TRANCHE_APPROVER_KEY"},
                {.name = "key-password", .value = "REF", .help = "opens it, or is its token's PIN"},
                {.name = "ssh-key", .value = "PATH", .help = "sign with ssh-keygen and this key"},
                {.name = "environment", .help = "approve as the protected environment that this CI job is"},
                {.name = "identity-token",
                 .value = "REF",
                 .help = "its token: env:TRANCHE_NAME or file:PATH; without: GitHub Actions is asked"},
                {.name = "reject", .help = "say no: it stands against every yes"},
                {.name = "out", .value = "FILE", .help = "write the signed document, record nothing"},
                {.name = "import", .value = "FILE", .help = "record a document that somebody signed"},
                app_flag()},
      .run = run_approve};
}

}  // namespace tranche::commands
