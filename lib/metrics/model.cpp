#include "metrics/model.hpp"

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "metrics/model_api.hpp"
#include "metrics/model_logs.hpp"

namespace tranche::metrics {
namespace {

using gate::ControlQuestion;
using gate::Opinion;

// An app that runs says something within this time; a log that stands still is a pipe that broke.
constexpr Duration stale_after = std::chrono::hours(1);

// A failure of the world is an opinion without content; of the configuration or by the user, an error.
bool is_ours(const Error& error) {
  return error.kind == ErrorKind::invalid || error.kind == ErrorKind::interrupted ||
         error.kind == ErrorKind::bug;
}

class Asking {
 public:
  Asking(ports::World& world, const std::string& repository, const spec::Gate& gate,
         const Variables& variables, const ModelSecrets& secrets)
      : world_(world), repository_(repository), gate_(gate), variables_(variables), secrets_(secrets) {
    excerpts_.max_bytes = static_cast<std::size_t>(gate.model.max_excerpt);
    excerpts_.redaction = {gate.model.redact, gate.model.redact_addresses};
    deadline_ = world.clock.elapsed() + gate.model.timeout;
  }

  Result<Opinion> ask(gate::OpinionMemory& memory, Instant now) {
    gate::Question question;
    question.extra = gate_.model.extra_prompt;
    for (const Arm arm : {Arm::canary, Arm::control}) {
      auto log = read(arm);
      if (!log) {
        if (is_ours(log.error())) return fail(std::move(log.error()));
        return gate::no_log(log.error().message);
      }
      (arm == Arm::canary ? question.canary : question.control) = gate::make_excerpt(*log, excerpts_);
    }
    const bool same = note(memory, question, now);
    if (question.canary.empty()) return gate::no_log("the log of the canary is empty");
    if (question.control.empty()) return gate::no_log("the log of the control is empty");
    if (now - memory.canary_since >= stale_after)
      return gate::no_log("the canary's log has not changed since " + to_text(memory.canary_since));
    if (same && memory.last.says != Opinion::Says::nothing &&
        memory.last.control != Opinion::Control::unanswered) {
      ++memory.unchanged;
      return memory.last;
    }
    ++memory.asked;
    return ask_with_control(question);
  }

 private:
  Result<std::string> read(Arm arm) {
    const bool canary = arm == Arm::canary;
    internal::LogRequest request{canary ? gate_.model.canary : gate_.model.control,
                                 variables_,
                                 arm,
                                 canary ? secrets_.canary_token : secrets_.control_token,
                                 repository_,
                                 internal::time_left(world_.clock, deadline_)};
    request.variables.version = canary ? variables_.release : variables_.baseline;
    return internal::read_log(world_, request);
  }

  // Remembers what is asked about; true when it is what was asked about before.
  bool note(gate::OpinionMemory& memory, const gate::Question& question, Instant now) const {
    const std::string canary = crypto::to_hex(crypto::sha256(gate::to_text(question.canary)));
    const std::string control = crypto::to_hex(crypto::sha256(gate::to_text(question.control)));
    const bool same = memory.canary_digest == canary && memory.control_digest == control;
    if (memory.canary_digest != canary || now < memory.canary_since) memory.canary_since = now;
    memory.canary_digest = canary;
    memory.control_digest = control;
    memory.canary_lines = question.canary.seen;
    memory.control_lines = question.control.seen;
    memory.redacted = question.canary.redacted + question.control.redacted;
    return same;
  }

  Result<Opinion> ask_once(const gate::Question& question, const std::string& nonce) {
    const auto prompt = gate::make_prompt(question, nonce);
    if (!prompt) return gate::no_opinion(prompt.error().message);
    auto answer = internal::complete(world_, gate_.model, secrets_.key, *prompt, deadline_);
    if (!answer) {
      if (is_ours(answer.error())) return fail(std::move(answer.error()));
      return gate::no_opinion(answer.error().message);
    }
    return gate::read_answer(*answer, nonce);
  }

  Result<Opinion> ask_with_control(const gate::Question& question) {
    Opinion opinion = TRY(ask_once(question, TRY(fresh_nonce())));
    const ControlQuestion control = gate::control_question(opinion, opinion_config(gate_));
    if (control == ControlQuestion::none) return opinion;
    const std::string nonce = TRY(fresh_nonce());
    const Opinion second =
        TRY(ask_once(control == ControlQuestion::planted ? gate::plant_fault(question, nonce, excerpts_)
                                                         : gate::exchange_arms(question),
                     nonce));
    gate::apply_control(opinion, control, second);
    return opinion;
  }

  Result<std::string> fresh_nonce() { return to_hex(TRY(world_.random.bytes(gate::nonce_length / 2))); }

  ports::World& world_;
  const std::string& repository_;
  const spec::Gate& gate_;
  const Variables& variables_;
  const ModelSecrets& secrets_;
  gate::ExcerptConfig excerpts_;
  internal::Deadline deadline_{};
};

}  // namespace

gate::OpinionConfig opinion_config(const spec::Gate& gate) {
  return {gate.model.confidence, gate.model.on_worse == spec::Model::OnWorse::fail};
}

Result<Opinion> ask_model(ports::World& world, const std::string& repository, const spec::Gate& gate,
                          const Variables& variables, const ModelSecrets& secrets,
                          gate::OpinionMemory& memory) {
  const Instant now = world.clock.now();
  const bool asked_before = memory.asked_at != Instant{};
  if (asked_before && now >= memory.asked_at && now - memory.asked_at < gate.model.ask_every)
    return memory.last;
  gate::OpinionMemory next = memory;
  Opinion opinion = TRY(Asking(world, repository, gate, variables, secrets).ask(next, now));
  next.asked_at = now;
  if (opinion.says == Opinion::Says::nothing) ++next.without;
  next.last = opinion;
  memory = std::move(next);
  return opinion;
}

}  // namespace tranche::metrics
