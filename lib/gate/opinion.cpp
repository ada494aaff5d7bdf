// What an opinion is worth, and what is remembered of it.
#include "gate/opinion.hpp"

#include "base/text.hpp"

namespace tranche::gate {
namespace {

using Says = Opinion::Says;
using Control = Opinion::Control;

bool is_decisive(const Opinion& opinion, const OpinionConfig& config) {
  return (opinion.says == Says::worse || opinion.says == Says::not_worse) &&
         opinion.confidence >= config.confidence;
}

std::string because(const Opinion& opinion) {
  return opinion.reasons.empty() ? std::string() : ": " + join(opinion.reasons, "; ");
}

std::string_view word_of(Says says) {
  constexpr std::string_view words[] = {"nothing", "worse", "not-worse", "unsure"};
  return words[static_cast<std::size_t>(says)];
}
std::string_view word_of(Control control) {
  constexpr std::string_view words[] = {"not-asked", "confirmed", "contradicted", "unanswered"};
  return words[static_cast<std::size_t>(control)];
}
template <class E>
Result<E> read_enum(const doc::Value& value, std::string_view key) {
  const std::string text = TRY(value.text(key));
  for (int i = 0; i < 4; ++i)
    if (text == word_of(static_cast<E>(i))) return static_cast<E>(i);
  return fail(ErrorKind::invalid, "'{}' of an opinion is '{}'", key, printable(text, 40));
}

bool is_digest(std::string_view text) {
  return text.empty() ||
         (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

}  // namespace

ControlQuestion control_question(const Opinion& opinion, const OpinionConfig& config) {
  if (!is_decisive(opinion, config)) return ControlQuestion::none;
  if (opinion.says == Says::not_worse) return ControlQuestion::planted;
  return config.worse_fails ? ControlQuestion::exchanged : ControlQuestion::none;
}

void apply_control(Opinion& opinion, ControlQuestion asked, const Opinion& answer) {
  if (asked == ControlQuestion::none) return;
  if (answer.says == Says::nothing) {
    opinion.control = Control::unanswered;
    opinion.problem = answer.problem;
    return;
  }
  const bool says_worse = answer.says == Says::worse;
  opinion.control =
      says_worse == (asked == ControlQuestion::planted) ? Control::confirmed : Control::contradicted;
}

OpinionJudgement judge(const Opinion& opinion, const OpinionConfig& config) {
  if (opinion.no_data) return {Verdict::no_data, opinion.problem};
  if (opinion.says == Says::nothing)
    return {Verdict::inconclusive, opinion.problem.empty() ? "the model was not asked yet" : opinion.problem};
  const std::string sure = fmt::format("{}% sure", opinion.confidence);
  if (opinion.says == Says::unsure) return {Verdict::inconclusive, "the model is unsure" + because(opinion)};
  if (!is_decisive(opinion, config))
    return {Verdict::inconclusive,
            fmt::format("the model says {} but is only {}, below {}%{}", word_of(opinion.says), sure,
                        config.confidence, because(opinion))};
  if (opinion.says == Says::worse) {
    const std::string said = fmt::format("the model finds the canary worse ({}){}", sure, because(opinion));
    if (!config.worse_fails) return {Verdict::suspect, said};
    switch (opinion.control) {
      case Control::confirmed:
        return {Verdict::fail, said};
      case Control::contradicted:
        return {Verdict::suspect, "with the arms exchanged it says worse too, so it only holds: " + said};
      case Control::unanswered:
      case Control::not_asked:
        return {Verdict::suspect, "nothing confirms it, so it only holds: " + said};
    }
  }
  switch (opinion.control) {
    case Control::confirmed:
      return {Verdict::pass, fmt::format("the model has no objection ({}){}", sure, because(opinion))};
    case Control::contradicted:
      return {
          Verdict::inconclusive,
          "the model says not-worse even with a fault planted in the canary's log: it does not judge, or the "
          "log tells it what to say"};
    case Control::unanswered:
      return {Verdict::inconclusive,
              "the model says not-worse, but left the control question open: " + opinion.problem};
    case Control::not_asked:
      break;
  }
  return {Verdict::inconclusive, "the model says not-worse, but no control question was asked"};
}

doc::Value to_value(const OpinionMemory& memory) {
  doc::Value reasons = doc::Value::array();
  for (const std::string& reason : memory.last.reasons) reasons.push(reason);
  doc::Value last = doc::Value::object({{"says", word_of(memory.last.says)},
                                        {"control", word_of(memory.last.control)},
                                        {"confidence", memory.last.confidence},
                                        {"problem", memory.last.problem},
                                        {"no-data", memory.last.no_data}});
  last.set("reasons", std::move(reasons));
  doc::Value out = doc::Value::object({{"canary-digest", memory.canary_digest},
                                       {"control-digest", memory.control_digest},
                                       {"asked-at", tranche::to_text(memory.asked_at)},
                                       {"canary-since", tranche::to_text(memory.canary_since)},
                                       {"asked", memory.asked},
                                       {"unchanged", memory.unchanged},
                                       {"without", memory.without},
                                       {"canary-lines", memory.canary_lines},
                                       {"control-lines", memory.control_lines},
                                       {"redacted", memory.redacted}});
  out.set("last", std::move(last));
  return out;
}

Result<OpinionMemory> opinion_memory_from_value(const doc::Value& value) {
  OpinionMemory memory;
  const doc::Value& last = *TRY(value.object_at("last"));
  memory.last.says = TRY(read_enum<Says>(last, "says"));
  memory.last.control = TRY(read_enum<Control>(last, "control"));
  const std::int64_t confidence = TRY(last.integer("confidence"));
  memory.last.problem = TRY(last.text("problem"));
  memory.last.no_data = TRY(last.boolean("no-data"));
  const doc::Value& reasons = *TRY(last.array_at("reasons"));
  bool fits = confidence >= 0 && confidence <= 100 && memory.last.problem.size() <= 400 &&
              reasons.as_array().size() <= 5;
  memory.last.confidence = fits ? static_cast<int>(confidence) : 0;
  for (const doc::Value& reason : reasons.as_array()) {
    fits = fits && reason.is_string() && reason.as_string().size() <= 200;
    if (fits) memory.last.reasons.push_back(reason.as_string());
  }
  memory.canary_digest = TRY(value.text("canary-digest"));
  memory.control_digest = TRY(value.text("control-digest"));
  memory.asked_at = TRY(parse_instant(TRY(value.text("asked-at"))));
  memory.canary_since = TRY(parse_instant(TRY(value.text("canary-since"))));
  for (const auto& [key, member] :
       {std::pair("asked", &OpinionMemory::asked), std::pair("unchanged", &OpinionMemory::unchanged),
        std::pair("without", &OpinionMemory::without),
        std::pair("canary-lines", &OpinionMemory::canary_lines),
        std::pair("control-lines", &OpinionMemory::control_lines),
        std::pair("redacted", &OpinionMemory::redacted)}) {
    memory.*member = TRY(value.integer(key));
    fits = fits && memory.*member >= 0;
  }
  if (!fits || !is_digest(memory.canary_digest) || !is_digest(memory.control_digest))
    return fail_hint(ErrorKind::invalid, "the journal was written by something else",
                     "what is remembered of a model's opinion is out of bounds");
  return memory;
}

}  // namespace tranche::gate
