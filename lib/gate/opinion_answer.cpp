// The answer of a model: text by a stranger who may have been talked into anything. Strict shape, or nothing.
#include <algorithm>

#include "base/text.hpp"
#include "gate/opinion.hpp"

namespace tranche::gate {
namespace {

constexpr std::size_t longest_answer = 16 << 10;
constexpr std::size_t most_reasons = 5, longest_reason = 200;
constexpr doc::Limits limits{longest_answer, 4, 64};

// What is between ``` or ```json and ```, when that is all there is.
std::string_view without_fence(std::string_view text) {
  if (!text.starts_with("```")) return text;
  std::string_view inner = text.substr(3);
  if (!inner.ends_with("```")) return text;
  inner.remove_suffix(3);
  if (inner.starts_with("json")) inner.remove_prefix(4);
  const auto line = inner.find('\n');
  const bool alone = line != std::string_view::npos && trim(inner.substr(0, line)).empty();
  return alone ? trim(inner) : text;
}

// The model's words, made safe to journal and to show.
Result<std::vector<std::string>> read_reasons(const doc::Value& value) {
  if (!value.is_array() || value.as_array().empty() || value.as_array().size() > 16)
    return fail(ErrorKind::invalid, "its reasons are no list of one to five");
  std::vector<std::string> reasons;
  Redactor redactor({});
  for (const doc::Value& item : value.as_array()) {
    if (!item.is_string()) return fail(ErrorKind::invalid, "a reason is no string");
    if (reasons.size() == most_reasons) break;
    std::string reason = redactor.redact(clean_text(replace_all(item.as_string(), "\n", " ")));
    if (trim(reason).empty()) continue;
    reasons.push_back(printable(reason, longest_reason - 8));
  }
  if (reasons.empty()) return fail(ErrorKind::invalid, "it gives no reason");
  return reasons;
}

Result<Opinion> read(std::string_view answer, std::string_view nonce) {
  if (trim(answer).empty()) return fail(ErrorKind::invalid, "it is empty");
  if (answer.size() > longest_answer) return fail(ErrorKind::invalid, "it has {} bytes", answer.size());
  const auto parsed = doc::parse_json(without_fence(trim(answer)), "the answer", limits);
  if (!parsed || !parsed->is_object())
    return fail(ErrorKind::invalid, "it is not exactly one JSON object of the form asked for");
  // Before all else: an answer that came out of the logs is not looked at.
  const doc::Value* echo = parsed->find("nonce");
  if (echo == nullptr || !echo->is_string() || nonce.empty() || echo->as_string() != nonce)
    return fail(ErrorKind::invalid,
                "it does not hold the nonce of this request, as one copied out of a log would");
  for (const doc::Member& member : parsed->as_object())
    if (member.key != "nonce" && member.key != "verdict" && member.key != "confidence" &&
        member.key != "reasons")
      return fail(ErrorKind::invalid, "it has the unknown key '{}'", printable(clean_text(member.key), 40));
  Opinion opinion;
  const doc::Value* verdict = parsed->find("verdict");
  const std::string word = verdict != nullptr && verdict->is_string() ? verdict->as_string() : "";
  if (word == "worse")
    opinion.says = Opinion::Says::worse;
  else if (word == "not-worse")
    opinion.says = Opinion::Says::not_worse;
  else if (word == "unsure")
    opinion.says = Opinion::Says::unsure;
  else
    return fail(ErrorKind::invalid, "its verdict is none of worse, not-worse, unsure");
  const doc::Value* confidence = parsed->find("confidence");
  if (confidence == nullptr || !confidence->is_int() || confidence->as_int() < 0 ||
      confidence->as_int() > 100)
    return fail(ErrorKind::invalid, "its confidence is no whole number from 0 to 100");
  opinion.confidence = static_cast<int>(confidence->as_int());
  const doc::Value* reasons = parsed->find("reasons");
  opinion.reasons = TRY(read_reasons(reasons == nullptr ? doc::Value() : *reasons));
  return opinion;
}

}  // namespace

Opinion no_opinion(std::string problem) {
  Opinion opinion;
  opinion.problem = printable(problem, 300);
  return opinion;
}

Opinion no_log(std::string problem) {
  Opinion opinion = no_opinion(std::move(problem));
  opinion.no_data = true;
  return opinion;
}

Opinion read_answer(std::string_view answer, std::string_view nonce) {
  auto opinion = read(answer, nonce);
  if (!opinion) return no_opinion("the model's answer does not count: " + opinion.error().message);
  return std::move(*opinion);
}

}  // namespace tranche::gate
