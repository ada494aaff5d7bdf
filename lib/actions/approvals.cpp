#include "actions/approvals.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/jwt.hpp"
#include "signing/people.hpp"

namespace tranche::actions {

namespace {

constexpr std::string_view request_schema = "tranche/approval-request/v1";
constexpr std::string_view list_schema = "tranche/approvals/v1";
constexpr std::string_view kind_given = "approval.given";
// Answers that one entry points at, people times questions of one run of a rollout: an entry holds 64 KiB.
constexpr std::size_t most_remembered = 200;
constexpr Duration clock_skew = std::chrono::minutes(10);
constexpr std::uint64_t bundle = 256;  // entries that the journal reads at once

Result<std::string> digest_of(doc::Value content) {
  content.set("schema", request_schema);
  return crypto::to_hex(crypto::sha256(TRY(doc::canonical_json(content))));
}

// The words that somebody may be known by: "Ana <ana@example.org>" is also "ana@example.org" and "ana".
std::set<std::string> names_of(std::string_view text) {
  std::set<std::string> names;
  const auto add = [&](std::string_view one) {
    one = trim(one);
    if (one.empty()) return;
    names.insert(lower(one));
    if (const auto at = one.find('@'); at != std::string_view::npos && at > 0 && one.find(' ') == one.npos)
      names.insert(lower(one.substr(0, at)));
  };
  add(text);
  const auto open = text.find('<');
  const auto close = text.find('>', open == std::string_view::npos ? 0 : open);
  if (open != std::string_view::npos && close != std::string_view::npos) {
    add(text.substr(0, open));
    add(text.substr(open + 1, close - open - 1));
  }
  return names;
}

bool is_known(std::string_view author) { return !trim(author).empty() && author != "unknown"; }

// Who wrote the newest entry before `before` that recorded the release; empty: there is none.
Result<std::string> release_author(Deck& deck, std::uint64_t before, const std::string& manifest_sha256) {
  for (std::uint64_t to = std::min(before, deck.journal().size()); to > 0;) {
    const std::uint64_t from = (to - 1) / bundle * bundle;
    auto entries = TRY(deck.journal().read(from, to));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (entry->kind != "release.created") continue;
      const doc::Value* digest = entry->data.find("manifest-sha256");
      if (digest != nullptr && digest->is_string() && digest->as_string() == manifest_sha256)
        return entry->by;
    }
    to = from;
  }
  return std::string();
}

Request about(const rollout::Plan& plan, const rollout::State& state) {
  Request request;
  request.app = plan.app;
  request.rollout = plan.rollout;
  request.release = plan.release;
  request.manifest_sha256 = plan.manifest_sha256;
  request.author_entries.push_back(state.plan_entry);
  const std::size_t slash = state.id.rfind('/');
  if (slash != std::string::npos)
    if (const auto start = parse_u64(std::string_view(state.id).substr(slash + 1));
        start && *start != state.plan_entry)
      request.author_entries.push_back(*start);
  return request;
}

// How one document answers one request.
struct Judged {
  std::string key;  // what makes people distinct
  std::string name;
  signing::Approval approval;
  Instant expires{};
};

struct Court {
  const spec::People& people;
  const Request& request;
  std::vector<signing::Approver> approvers;
  std::vector<crypto::SshKey> keys;
  std::vector<std::string> authors;  // with `not: author` only
};

Result<Court> court_of(Deck& deck, const spec::App& frozen, const Request& request) {
  const spec::People* people = TRY(people_of(frozen, request));
  auto approvers = TRY(signing::load_approvers(deck.world().files, deck.repository(), *people));
  Court court{*people, request, std::move(approvers), {}, {}};
  for (const signing::Approver& approver : court.approvers) court.keys.push_back(approver.key);
  return court;
}

std::string command_for(const Request& request) { return "tranche approve " + request.id; }

Result<> check_not_author(const Court& court, const std::string& name, const std::string& by) {
  if (court.people.except != "author") return {};
  std::set<std::string> mine = names_of(name);
  if (is_known(by)) mine.merge(names_of(by));
  if (court.authors.empty() || !std::ranges::all_of(court.authors, is_known))
    return fail_hint(ErrorKind::denied,
                     "set git's user.email where releases are made and rollouts are started, so that the "
                     "journal can say who it was",
                     "who made release {} or started its rollout is not known, and people '{}' are not to be "
                     "its author",
                     court.request.release, court.people.name);
  for (const std::string& author : court.authors)
    for (const std::string& word : names_of(author))
      if (mine.contains(word))
        return fail_hint(ErrorKind::denied,
                         fmt::format("somebody else among people '{}' can approve: {}", court.people.name,
                                     command_for(court.request)),
                         "'{}' is the author ('{}'): nobody approves their own release", printable(name, 100),
                         printable(word, 100));
  return {};
}

Result<> check_about(const Court& court, const signing::Approval& approval, const std::string& name) {
  const Request& request = court.request;
  if (approval.app != request.app || approval.rollout != request.rollout || approval.id != request.id ||
      approval.release != request.release)
    return fail_hint(ErrorKind::denied, "approve what waits: " + command_for(request),
                     "the approval of '{}' is for {} of app '{}', not for {}", printable(name, 100),
                     printable(approval.id, 100), printable(approval.app, 64), request.id);
  if (approval.digest != request.digest)
    return fail_hint(ErrorKind::denied,
                     "look at it as it is now, and approve it anew: " + command_for(request),
                     "the approval of '{}' is for other content: digest {}, now {}", printable(name, 100),
                     approval.digest.substr(0, 12), request.digest.substr(0, 12));
  return {};
}

Result<Instant> check_time(const Court& court, const signing::Approval& approval, const std::string& name,
                           Instant now) {
  if (approval.at > now + clock_skew)
    return fail_hint(ErrorKind::denied, "set the clock of the machine that signed it, and sign anew",
                     "the approval of '{}' was made at {}, which is yet to come", printable(name, 100),
                     to_text(approval.at));
  const Instant expires = std::min(approval.expires, approval.at + court.people.expires);
  if (expires <= now)
    return fail_hint(ErrorKind::denied, "approve it anew: " + command_for(court.request),
                     "the approval of '{}' expired at {}", printable(name, 100), to_text(expires));
  return expires;
}

// What an environment's token said, as the journal has it, against what the plan wants of it.
Result<Judged> judge_environment(const Court& court, signing::ApprovalDocument document) {
  constexpr auto kind = ErrorKind::verification;
  const spec::People::Environment& wanted = court.people.environment;
  const std::string issuer = TRY(document.environment.text("issuer", kind));
  const std::string audience = TRY(document.environment.text("audience", kind));
  if (wanted.issuer.empty() || issuer != wanted.issuer || audience != wanted.audience)
    return fail_hint(ErrorKind::denied, "people: environment: says which may",
                     "the environment of '{}' is not among people '{}'", printable(issuer, 100),
                     court.people.name);
  TRY(signing::check_claims(*TRY(document.environment.object_at("claims", kind)),
                            {wanted.issuer, wanted.audience, wanted.claims}));
  const auto named = wanted.claims.find("environment");
  return Judged{"environment",
                named == wanted.claims.end() ? "environment of " + issuer : "environment " + named->second,
                std::move(document.approval),
                {}};
}

Result<Judged> judge_signature(const Court& court, signing::ApprovalDocument document) {
  const auto signer = signing::find_signer(document, court.keys);
  if (!signer) {
    const bool known = std::ranges::any_of(
        court.keys, [&](const crypto::SshKey& key) { return signing::names_key(document, key); });
    if (known)
      return fail_hint(ErrorKind::verification, "it was changed after signing: make it anew",
                       "the signature of {} is wrong", signing::signer_text(document));
    std::vector<std::string> names;
    for (const signing::Approver& approver : court.approvers) names.push_back(approver.name);
    return fail_hint(ErrorKind::denied,
                     fmt::format("these may: {}; or name the key under people: {} and start or amend anew",
                                 names.empty() ? "nobody by key" : join(names, ", "), court.people.name),
                     "{} is not among people '{}', as the rollout froze them", signing::signer_text(document),
                     court.people.name);
  }
  return Judged{
      court.keys[*signer].key.id(), court.approvers[*signer].name, std::move(document.approval), {}};
}

Result<Judged> judge(const Court& court, std::string_view text, Instant now, Vouched vouched) {
  signing::ApprovalDocument document = TRY(signing::parse_approval(text));
  const bool environment = !document.environment.is_null();
  if (environment && vouched == Vouched::no)
    return fail_hint(
        ErrorKind::denied,
        "let the job that has the token approve: " + command_for(court.request) + " --environment",
        "an environment's approval is worth something only where its token was looked at");
  Judged judged = TRY(environment ? judge_environment(court, std::move(document))
                                  : judge_signature(court, std::move(document)));
  TRY(check_about(court, judged.approval, judged.name));
  judged.expires = TRY(check_time(court, judged.approval, judged.name, now));
  // Who reviewed an environment's job is not in its token: keeping the author out is the environment's rule.
  if (!environment) TRY(check_not_author(court, judged.name, judged.approval.by));
  return judged;
}

void set_about(doc::Value& value, const Answer& answer) {
  if (!answer.by.empty()) value.set("by", answer.by);
  if (answer.kept_until) value.set("kept-until", to_text(*answer.kept_until));
}

Result<> read_about(const doc::Value& value, Answer& answer) {
  answer.by = TRY(value.text_or("by", "", ErrorKind::verification));
  const std::string until = TRY(value.text_or("kept-until", "", ErrorKind::verification));
  if (!until.empty()) answer.kept_until = TRY(parse_instant(until));
  return {};
}

doc::Value to_value(const std::vector<Answer>& earlier, const Answer& newest) {
  doc::Value list = doc::Value::array();
  for (const Answer& answer : earlier) {
    doc::Value one = doc::Value::object({{"id", answer.id}, {"entry", answer.entry}});
    set_about(one, answer);
    list.push(std::move(one));
  }
  doc::Value out = doc::Value::object({{"schema", list_schema}, {"earlier", list}});
  set_about(out, newest);
  return out;
}

// "desktop/1.2.0/17" of "desktop/1.2.0/17:stage-4".
std::string_view run_of(std::string_view id) { return id.substr(0, id.find(':')); }

// Whether an earlier answer says something still, once `newest` is there.
bool still_says(const Answer& earlier, const Answer& newest, Instant now) {
  if (earlier.kept_until && *earlier.kept_until > now) return true;
  if (run_of(earlier.id) != run_of(newest.id)) return false;
  return earlier.by.empty() || earlier.by != newest.by || earlier.id != newest.id;
}

// Until when the token of an environment's answer must be known as used.
std::optional<Instant> kept_until(std::string_view document) {
  const auto parsed = signing::parse_approval(document);
  if (!parsed || !parsed->environment.is_object()) return std::nullopt;
  const doc::Value* expires = parsed->environment.find("token-expires");
  if (expires == nullptr || !expires->is_string()) return std::nullopt;
  const auto until = parse_instant(expires->as_string());
  return until ? std::optional(*until) : std::nullopt;
}

struct Verdicts {
  std::map<std::string, Judged> newest;  // by key: what each says last
  std::vector<std::string> refused;      // why others do not count, newest last
};
Result<Verdicts> judge_all(Deck& deck, Court& court, Instant now) {
  Verdicts out;
  for (const Answer& answer : TRY(answers_on_record(deck, court.request))) {
    if (answer.id != court.request.id) continue;
    if (court.people.except == "author" && court.authors.empty())
      court.authors = TRY(find_authors(deck, court.request));
    // An environment's answer is the word of whoever wrote the journal, which is signed.
    auto judged = judge(court, answer.document, now, Vouched::yes);
    if (judged)
      out.newest.insert_or_assign(judged->key, std::move(*judged));
    else
      out.refused.push_back(fmt::format("entry {}: {}", answer.entry, judged.error().message));
  }
  return out;
}

std::string why_not(const Court& court, const Standing& standing, const Verdicts& verdicts,
                    const std::string& rejected) {
  const Request& request = court.request;
  if (!rejected.empty()) return fmt::format("{}; approve it after all: {}", rejected, command_for(request));
  std::string why = fmt::format("people '{}' have yet to approve {} ({} of {}", court.people.name,
                                request.what, standing.given, standing.wanted);
  if (standing.given > 0) why += ": " + join(standing.by, ", ");
  why += ")";
  if (!verdicts.refused.empty()) why += "; does not count: " + verdicts.refused.back();
  return why + ": " + command_for(request);
}

}  // namespace

Result<std::vector<std::string>> find_authors(Deck& deck, const Request& request) {
  std::vector<std::string> authors;
  std::uint64_t before = 0;
  for (const std::uint64_t index : request.author_entries) {
    before = std::max(before, index);
    if (index >= deck.journal().size()) continue;
    for (const journal::Entry& entry : TRY(deck.journal().read(index, index + 1)))
      authors.push_back(entry.by);
  }
  authors.push_back(TRY(release_author(deck, before, request.manifest_sha256)));
  if (request.begun_by) authors.push_back(*request.begun_by);
  return authors;
}

Result<std::vector<Answer>> answers_on_record(Deck& deck, const Request& request) {
  std::vector<Answer> answers;
  const auto head = TRY(deck.journal().latest(approval_subject(request.app, request.rollout)));
  if (!head) return answers;
  constexpr auto kind = ErrorKind::verification;
  const doc::Value* earlier = TRY(head->state.array_at("earlier", kind));
  for (const doc::Value& one : earlier->as_array()) {
    const std::int64_t index = TRY(one.integer("entry", kind));
    if (index < 0 || index >= static_cast<std::int64_t>(head->index))
      return fail_hint(kind, "check it: tranche journal verify", "entry {} lists approvals that follow it",
                       head->index);
    Answer answer{TRY(one.text("id", kind)), static_cast<std::uint64_t>(index), {}, {}, {}};
    TRY(read_about(one, answer));
    answers.push_back(std::move(answer));
  }
  Answer newest{TRY(head->data.text("id", kind)), head->index, {}, {}, {}};
  TRY(read_about(head->state, newest));
  answers.push_back(std::move(newest));
  for (Answer& answer : answers)
    for (const journal::Entry& entry : TRY(deck.journal().read(answer.entry, answer.entry + 1)))
      if (entry.kind == kind_given) answer.document = TRY(entry.data.text_or("document", "", kind));
  return answers;
}

Result<const spec::People*> people_of(const spec::App& frozen, const Request& request) {
  const auto found = std::ranges::find(frozen.people, request.people, &spec::People::name);
  if (found == frozen.people.end())
    return fail_hint(ErrorKind::verification,
                     "freeze the plan anew: tranche rollout amend " + printable(request.rollout, 64),
                     "the frozen plan knows no people '{}'", printable(request.people, 64));
  return &*found;
}

std::string approval_subject(std::string_view app, std::string_view rollout) {
  return fmt::format("approval/{}/{}", app, rollout);
}

Result<std::vector<spec::People>> frozen_people(Deck& deck) {
  return signing::freeze_people(deck.world().files, deck.repository(), deck.app().people, deck.trust());
}

Result<Request> stage_request(const rollout::Plan& plan, const rollout::State& state, std::size_t stage) {
  const spec::Rollout& spec = plan.spec();
  if (stage >= plan.stages.size() || stage >= spec.stages.size() || spec.stages[stage].approval.empty())
    return fail(ErrorKind::bug, "stage {} of rollout '{}' asks nobody", stage + 1, plan.rollout);
  Request request = about(plan, state);
  const std::string& name = plan.stages[stage].name;
  request.id = fmt::format("{}:stage-{}", state.id, stage + 1);
  request.what =
      fmt::format("stage {} '{}' of rollout '{}', release {}", stage + 1, name, plan.rollout, plan.release);
  request.people = spec.stages[stage].approval;
  request.digest = TRY(digest_of(doc::Value::object({{"kind", "stage"},
                                                     {"app", plan.app},
                                                     {"rollout", state.id},
                                                     {"plan", state.plan_digest},
                                                     {"manifest", plan.manifest_sha256},
                                                     {"stage", static_cast<std::int64_t>(stage)},
                                                     {"name", name}})));
  TRY(people_of(plan.config, request));
  return request;
}

Result<std::optional<Request>> resume_request(const rollout::Plan& plan, const rollout::State& state) {
  const spec::Rollout& spec = plan.spec();
  if (state.stage >= spec.stages.size() || spec.stages[state.stage].approval.empty())
    return std::optional<Request>();
  Request request = about(plan, state);
  request.id = state.id + ":resume";
  request.what = fmt::format("that rollout '{}' goes on with release {} at stage {} '{}'", plan.rollout,
                             plan.release, state.stage + 1, plan.stages[state.stage].name);
  request.people = spec.stages[state.stage].approval;
  request.digest = TRY(digest_of(doc::Value::object({{"kind", "resume"},
                                                     {"app", plan.app},
                                                     {"rollout", state.id},
                                                     {"plan", state.plan_digest},
                                                     {"stage", static_cast<std::int64_t>(state.stage)},
                                                     {"phase", rollout::to_text(state.phase)},
                                                     {"since", to_text(state.changed)}})));
  TRY(people_of(plan.config, request));
  return std::optional(std::move(request));
}

Result<Request> step_request(Deck& deck, const spec::App& frozen, const StepQuestion& question) {
  Request request;
  const bool by_hand = question.begun_by.has_value();
  request.id = fmt::format("{}:{}/{}", question.rollout_id, by_hand ? "hand" : "playbook", question.step);
  request.what = question.what;
  if (request.what.empty())
    request.what = fmt::format("step {} of playbook '{}'{} for {}", question.step, question.playbook,
                               by_hand ? ", run by hand" : "", question.rollout_id);
  request.begun_by = question.begun_by;
  request.people = question.people;
  request.app = frozen.name;
  request.rollout = question.rollout;
  request.release = question.release;
  request.digest = TRY(digest_of(doc::Value::object({{"kind", "step"},
                                                     {"app", frozen.name},
                                                     {"rollout", question.rollout_id},
                                                     {"plan", question.plan_digest},
                                                     {"run", question.run},
                                                     {"playbook", question.playbook},
                                                     {"step", question.step}})));
  TRY(people_of(frozen, request));
  const auto entry = TRY(deck.journal().latest(deck.rollout_subject(question.rollout)));
  if (!entry) return request;
  const auto state = TRY(rollout::state_from_value(entry->state));
  const auto planned = TRY(deck.journal().read(state.plan_entry, state.plan_entry + 1));
  if (state.id != question.rollout_id || planned.size() != 1) return request;
  const Request whole = about(TRY(rollout::plan_from_value(planned[0].data)), state);
  request.author_entries = whole.author_entries;
  request.manifest_sha256 = whole.manifest_sha256;
  return request;
}

Result<Standing> standing(Deck& deck, const spec::App& frozen, const Request& request, Instant now) {
  Court court = TRY(court_of(deck, frozen, request));
  const Verdicts verdicts = TRY(judge_all(deck, court, now));
  Standing out;
  out.wanted = court.people.quorum;
  std::string rejected;
  std::vector<Instant> ends;
  for (const auto& [key, judged] : verdicts.newest) {
    if (judged.approval.approves) {
      out.by.push_back(judged.name);
      ends.push_back(judged.expires);
    } else {
      out.rejected = true;
      rejected = fmt::format("'{}' rejected {}{}", judged.name, request.what,
                             judged.approval.reason.empty() ? "" : ": " + printable(judged.approval.reason));
    }
  }
  std::ranges::sort(out.by);
  out.given = static_cast<int>(out.by.size());
  out.met = !out.rejected && out.given >= out.wanted;
  if (!out.met) {
    out.why = why_not(court, out, verdicts, rejected);
    return out;
  }
  // With more yeses than are needed, those that expire first are not missed.
  std::ranges::sort(ends);
  out.expires = ends[ends.size() - static_cast<std::size_t>(out.wanted)];
  out.why = fmt::format("approved by {}", join(out.by, ", "));
  return out;
}

Result<Accepted> check_approval(Deck& deck, const spec::App& frozen, const Request& request,
                                std::string_view document, Instant now, Vouched vouched) {
  Court court = TRY(court_of(deck, frozen, request));
  if (court.people.except == "author") court.authors = TRY(find_authors(deck, request));
  Judged judged = TRY(judge(court, document, now, vouched));
  Verdicts verdicts = TRY(judge_all(deck, court, now));
  const auto earlier = verdicts.newest.find(judged.key);
  const bool again =
      earlier != verdicts.newest.end() && earlier->second.approval.approves == judged.approval.approves;
  return Accepted{std::move(judged.name), std::move(judged.approval), again, std::move(judged.key)};
}

Result<journal::Draft> approval_draft(Deck& deck, const Request& request, std::string_view document,
                                      const Accepted& accepted) {
  std::vector<Answer> earlier = TRY(answers_on_record(deck, request));
  const Answer newest{request.id, 0, {}, accepted.key, kept_until(document)};
  const Instant now = deck.world().clock.now();
  std::erase_if(earlier, [&](const Answer& one) { return !still_says(one, newest, now); });
  if (earlier.size() >= most_remembered)
    return fail_hint(ErrorKind::denied,
                     "start the rollout anew, or ask fewer people: none of the answers is forgotten",
                     "{} answers to {} are on record, more than an entry can point at", earlier.size(),
                     printable(run_of(request.id), 120));
  journal::Draft draft;
  draft.kind = kind_given;
  draft.subject = approval_subject(request.app, request.rollout);
  draft.reason = accepted.approval.reason;
  draft.data = doc::Value::object({{"id", request.id},
                                   {"what", request.what},
                                   {"digest", request.digest},
                                   {"release", request.release},
                                   {"decision", accepted.approval.approves ? "approve" : "reject"},
                                   {"who", accepted.name},
                                   {"document", document}});
  draft.state = to_value(earlier, newest);
  return draft;
}

Result<signing::Approval> make_approval(const spec::App& frozen, const Request& request, std::string by,
                                        Instant now, bool approves, std::string reason) {
  const spec::People* people = TRY(people_of(frozen, request));
  signing::Approval approval;
  approval.app = request.app;
  approval.rollout = request.rollout;
  approval.release = request.release;
  approval.id = request.id;
  approval.what = request.what;
  approval.digest = request.digest;
  approval.by = std::move(by);
  approval.at = now;
  approval.expires = now + people->expires;
  approval.approves = approves;
  approval.reason = std::move(reason);
  return approval;
}

}  // namespace tranche::actions
