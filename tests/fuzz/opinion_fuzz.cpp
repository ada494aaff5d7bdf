// Logs and answers of models are hostile: no bytes may crash their readers. An excerpt stays within its
// bound, shows nothing that a person would not see, and lets no line of data look like one of the prompt's
// own; an answer without the nonce never counts; what counts never passes without its control question. The
// first byte picks. rooms: gate
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "gate/opinion.hpp"

using namespace tranche;

namespace {

constexpr std::string_view nonce = "0123456789abcdef0123456789abcdef";
constexpr std::string_view secret = "AKIAIOSFODNN7EXAMPLE";

void want(bool holds) {
  if (!holds) std::abort();
}

void try_log(std::string_view log, std::size_t choice) {
  gate::ExcerptConfig config;
  config.max_bytes = 256 + choice * 64;
  config.max_line = 64 + choice * 8;
  config.redaction = {{"acct-*", "literal text"}, choice % 2 == 0};
  const gate::Excerpt excerpt = gate::make_excerpt(std::string(log) + "\n" + std::string(secret), config);
  std::size_t bytes = 0;
  std::int64_t count = excerpt.left_out;
  for (const gate::ExcerptLine& line : excerpt.lines) {
    bytes += line.text.size() + 16;
    count += line.count;
    want(line.text != secret && is_valid_utf8(line.text) && gate::clean_text(line.text) == line.text);
  }
  want(bytes <= config.max_bytes && count == excerpt.seen);
  gate::Question question{excerpt, excerpt, ""};
  if (choice % 3 == 0) question = gate::plant_fault(std::move(question), nonce, config);
  const auto prompt = gate::make_prompt(question, nonce);
  if (!prompt) return;  // the data holds the nonce
  int ours = 0;
  for (const std::string_view line : split(prompt->user, '\n'))
    ours += line.starts_with("BEGIN ") || line.starts_with("END ") ? 1 : 0;
  want(ours == gate::nonces_in_user);
}

void try_answer(std::string_view text) {
  gate::Opinion opinion = gate::read_answer(text, nonce);
  if (opinion.says == gate::Opinion::Says::nothing) {
    want(!opinion.problem.empty());
    return;
  }
  for (const std::string& reason : opinion.reasons) want(reason.size() <= 200 && is_valid_utf8(reason));
  for (const bool worse_fails : {false, true}) {
    const gate::Verdict verdict = gate::judge(opinion, {80, worse_fails}).verdict;
    want(verdict != gate::Verdict::pass && verdict != gate::Verdict::fail);
  }
  gate::OpinionMemory memory;
  memory.last = opinion;
  const auto back = gate::opinion_memory_from_value(gate::to_value(memory));
  want(back && *back == memory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
    case 1:
      try_log(text, data[0] / 4);
      break;
    case 2:
      // Most bytes hold no nonce: one is put in front of the rest of the object.
      try_answer(text);
      try_answer("{\"nonce\":\"" + std::string(nonce) + "\"," + std::string(text));
      break;
    default:
      if (const auto value = doc::parse_json(text)) (void)gate::opinion_memory_from_value(*value);
  }
  return 0;
}
