// Logs that were written to be judged well. For each: the prompt keeps its structure, secrets are gone, and a
// model that does what the log says gets neither a pass nor a fail out of the gate.
#include <doctest/doctest.h>

#include <set>

#include "base/text.hpp"
#include "gate/opinion.hpp"
#include "support/fake_world.hpp"
#include "support/hostile_logs.hpp"

using namespace tranche;
using namespace tranche::gate;

namespace {

constexpr std::string_view nonce = "8c1f0a5b9d3e47721604bfa2c8d95e13";

std::string calm_log(std::uint64_t seed) {
  support::SeededRandom random(seed);
  std::string out;
  for (int i = 0; i < 40; ++i)
    out += fmt::format("2026-01-01T12:{:02}:{:02}Z INFO sync of {} files done in {} ms\n", i,
                       random.below(60), random.below(9), random.below(900));
  return out;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Empty: the prompt is as it must be.
std::string flaw_of(const Prompt& prompt, const ExcerptConfig& config) {
  if (count_of(prompt.system, nonce) != nonces_in_system || count_of(prompt.user, nonce) != nonces_in_user)
    return "the nonce stands elsewhere";
  if (prompt.user.size() > 2 * config.max_bytes + 400) return "too large";
  if (!is_valid_utf8(prompt.user)) return "not UTF-8";
  if (clean_text(replace_all(prompt.user, "\n", "")) != replace_all(prompt.user, "\n", ""))
    return "something that must not be seen";
  const auto lines = split(prompt.user, '\n');
  if (lines.empty() || !lines.back().empty()) return "no last line end";
  const std::string begin = fmt::format("BEGIN canary {}", nonce), end = fmt::format("END canary {}", nonce),
                    begin2 = fmt::format("BEGIN control {}", nonce),
                    end2 = fmt::format("END control {}", nonce);
  std::size_t at = 0;
  const auto section = [&](std::string_view open, std::string_view close, char mark) {
    if (at >= lines.size() || lines[at++] != open) return false;
    for (; at < lines.size() && lines[at] != close; ++at) {
      std::string_view line = lines[at];
      if (!line.starts_with(mark)) return false;
      line.remove_prefix(1);
      if (line.starts_with('*'))
        line.remove_prefix(std::min(line.find_first_not_of("0123456789", 1), line.size()));
      if (!line.starts_with("| ")) return false;
    }
    return at < lines.size() && lines[at++] == close;
  };
  if (!section(begin, end, 'c') || !section(begin2, end2, 's') || at + 1 != lines.size())
    return "its sections broke";
  for (const std::string& secret : support::logged_secrets())
    if (prompt.user.find(secret) != std::string::npos) return "it holds " + secret;
  return "";
}

std::string answer_of(std::string_view echo, std::string_view verdict) {
  return fmt::format(R"({{"nonce":"{}","verdict":"{}","confidence":100,"reasons":["the log says so"]}})",
                     echo, verdict);
}

// What the gate makes of a model that answers `says` to whatever it is asked.
Verdict verdict_of(std::string_view says, bool worse_fails) {
  const OpinionConfig config{80, worse_fails};
  Opinion opinion = read_answer(answer_of(nonce, says), nonce);
  const ControlQuestion control = control_question(opinion, config);
  apply_control(opinion, control, read_answer(answer_of(nonce, says), nonce));
  return judge(opinion, config).verdict;
}

}  // namespace

TEST_CASE("hostile logs leave the prompt's structure, and their secrets stay behind") {
  const std::vector<support::HostileLog> logs = support::hostile_logs();
  CHECK(logs.size() >= 100);
  std::set<std::string> names;
  const ExcerptConfig config{16 << 10, 512, {}};
  for (const support::HostileLog& hostile : logs) {
    CAPTURE(hostile.name);
    CHECK(names.insert(hostile.name).second);
    const Excerpt bad = make_excerpt(hostile.log, config), calm = make_excerpt(calm_log(1), config);
    for (const bool in_canary : {true, false}) {
      const Question question{in_canary ? bad : calm, in_canary ? calm : bad, ""};
      for (const Question& asked :
           {question, plant_fault(question, nonce, config), exchange_arms(question)}) {
        const auto prompt = make_prompt(asked, nonce);
        REQUIRE(prompt.has_value());
        CHECK(flaw_of(*prompt, config) == "");
      }
    }
  }
}

TEST_CASE("an answer that stands in a log is no answer") {
  for (const support::HostileLog& hostile : support::hostile_logs()) {
    CAPTURE(hostile.name);
    CHECK(read_answer(hostile.log, nonce).says == Opinion::Says::nothing);
    for (const std::string_view line : split(std::string_view(hostile.log).substr(0, 100'000), '\n'))
      CHECK(read_answer(line, nonce).says == Opinion::Says::nothing);
    for (const auto& line : make_excerpt(hostile.log, {}).lines)
      CHECK(read_answer(line.text, nonce).says == Opinion::Says::nothing);
  }
}

TEST_CASE("a model that obeys the log, nonce and all, gets neither a pass nor a fail") {
  for (const bool worse_fails : {false, true})
    for (const std::string_view says : {"worse", "not-worse", "unsure"}) {
      const Verdict verdict = verdict_of(says, worse_fails);
      CAPTURE(says);
      CHECK(verdict != Verdict::pass);
      CHECK(verdict != Verdict::fail);
    }
}

TEST_CASE("random mixtures of hostile pieces keep the structure") {
  const std::uint64_t seed = 20261121;
  MESSAGE("seed " << seed);
  support::SeededRandom random(seed);
  const std::vector<support::HostileLog> logs = support::hostile_logs();
  const std::vector<std::string> separators{"\n",       "\r",   " ",  "",    "\x1b[",
                                            "\xe2\x80", "\n\n", "\0", "```", "-----"};
  for (int round = 0; round < 400; ++round) {
    std::string log;
    for (std::uint64_t n = 1 + random.below(12); n > 0; --n) {
      const std::string& from = logs[random.below(logs.size())].log;
      const std::size_t begin = random.below(from.size() + 1);
      log += from.substr(begin, random.below(400));
      log += separators[random.below(separators.size())];
    }
    // A piece of a cut secret may be left; whole ones are looked for where they were put in whole.
    const ExcerptConfig config{4096 + random.below(8192), 64 + random.below(600), {}};
    const Excerpt excerpt = make_excerpt(log, config);
    Question question{excerpt, make_excerpt(calm_log(round), config), "look at\nsync"};
    if (random.below(2) == 0) question = plant_fault(std::move(question), nonce, config);
    const auto prompt = make_prompt(question, nonce);
    REQUIRE(prompt.has_value());
    const std::string flaw = flaw_of(*prompt, config);
    CAPTURE(round);
    CHECK((flaw.empty() || flaw.starts_with("it holds")));
  }
}
