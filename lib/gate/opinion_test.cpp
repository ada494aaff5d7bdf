#include "gate/opinion.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::gate;

namespace {

const std::string nonce = "0123456789abcdef0123456789abcdef";
using Says = Opinion::Says;
using Control = Opinion::Control;

std::string answer(std::string_view verdict, int confidence, std::string_view echo = nonce) {
  return fmt::format(R"({{"nonce":"{}","verdict":"{}","confidence":{},"reasons":["because"]}})", echo,
                     verdict, confidence);
}
Opinion opinion_of(Says says, int confidence, Control control = Control::not_asked) {
  Opinion opinion;
  opinion.says = says;
  opinion.confidence = confidence;
  opinion.control = control;
  opinion.reasons = {"because"};
  return opinion;
}
std::vector<std::string> texts(const Excerpt& excerpt) {
  std::vector<std::string> out;
  for (const ExcerptLine& line : excerpt.lines) out.push_back(fmt::format("{}x {}", line.count, line.text));
  return out;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("an opinion becomes a verdict by the table, and never more than it may") {
  struct Case {
    Opinion opinion;
    Verdict holds, fails;  // on-worse: hold, fail
  };
  const std::vector<Case> table{
      {opinion_of(Says::worse, 80), Verdict::suspect, Verdict::suspect},
      {opinion_of(Says::worse, 100, Control::confirmed), Verdict::suspect, Verdict::fail},
      {opinion_of(Says::worse, 100, Control::contradicted), Verdict::suspect, Verdict::suspect},
      {opinion_of(Says::worse, 100, Control::unanswered), Verdict::suspect, Verdict::suspect},
      {opinion_of(Says::worse, 79, Control::confirmed), Verdict::inconclusive, Verdict::inconclusive},
      {opinion_of(Says::not_worse, 80), Verdict::inconclusive, Verdict::inconclusive},
      {opinion_of(Says::not_worse, 80, Control::confirmed), Verdict::pass, Verdict::pass},
      {opinion_of(Says::not_worse, 100, Control::contradicted), Verdict::inconclusive, Verdict::inconclusive},
      {opinion_of(Says::not_worse, 100, Control::unanswered), Verdict::inconclusive, Verdict::inconclusive},
      {opinion_of(Says::not_worse, 79, Control::confirmed), Verdict::inconclusive, Verdict::inconclusive},
      {opinion_of(Says::unsure, 100, Control::confirmed), Verdict::inconclusive, Verdict::inconclusive},
      {no_opinion("late"), Verdict::inconclusive, Verdict::inconclusive},
      {no_log("the canary has no log"), Verdict::no_data, Verdict::no_data},
      {Opinion{}, Verdict::inconclusive, Verdict::inconclusive},
  };
  for (const Case& each : table) {
    CAPTURE(static_cast<int>(each.opinion.says));
    CAPTURE(static_cast<int>(each.opinion.control));
    const OpinionJudgement holds = judge(each.opinion, {80, false}), fails = judge(each.opinion, {80, true});
    CHECK(holds.verdict == each.holds);
    CHECK(fails.verdict == each.fails);
    CHECK_FALSE(holds.explanation.empty());
    CHECK_FALSE(fails.explanation.empty());
  }
}

TEST_CASE("only what may pass or fail has a control question") {
  CHECK(control_question(opinion_of(Says::not_worse, 80), {80, false}) == ControlQuestion::planted);
  CHECK(control_question(opinion_of(Says::not_worse, 79), {80, false}) == ControlQuestion::none);
  CHECK(control_question(opinion_of(Says::worse, 80), {80, false}) == ControlQuestion::none);
  CHECK(control_question(opinion_of(Says::worse, 80), {80, true}) == ControlQuestion::exchanged);
  CHECK(control_question(opinion_of(Says::unsure, 100), {80, true}) == ControlQuestion::none);
  CHECK(control_question(no_opinion("late"), {80, true}) == ControlQuestion::none);
}

TEST_CASE("a judge that does not see a planted fault, or finds both arms worse, is contradicted") {
  const auto control = [](ControlQuestion asked, Says first, Says second) {
    Opinion opinion = opinion_of(first, 100);
    apply_control(opinion, asked, second == Says::nothing ? no_opinion("late") : opinion_of(second, 10));
    return opinion.control;
  };
  CHECK(control(ControlQuestion::planted, Says::not_worse, Says::worse) == Control::confirmed);
  CHECK(control(ControlQuestion::planted, Says::not_worse, Says::not_worse) == Control::contradicted);
  CHECK(control(ControlQuestion::planted, Says::not_worse, Says::unsure) == Control::contradicted);
  CHECK(control(ControlQuestion::planted, Says::not_worse, Says::nothing) == Control::unanswered);
  CHECK(control(ControlQuestion::exchanged, Says::worse, Says::worse) == Control::contradicted);
  CHECK(control(ControlQuestion::exchanged, Says::worse, Says::not_worse) == Control::confirmed);
  CHECK(control(ControlQuestion::exchanged, Says::worse, Says::nothing) == Control::unanswered);
}

TEST_CASE("the answer is one strict object with the nonce of the request") {
  const Opinion good = read_answer(answer("worse", 91), nonce);
  CHECK(good.says == Says::worse);
  CHECK(good.confidence == 91);
  CHECK(good.reasons == Texts{"because"});
  CHECK(read_answer("\n " + answer("not-worse", 0) + " \n", nonce).says == Says::not_worse);
  CHECK(read_answer("```json\n" + answer("unsure", 100) + "\n```", nonce).says == Says::unsure);
  CHECK(read_answer("```\n" + answer("unsure", 100) + "\n```\n", nonce).says == Says::unsure);
  const std::vector<std::pair<std::string, std::string>> bad{
      {"", "empty"},
      {" \n ", "empty"},
      {"not-worse", "one JSON object"},
      {answer("worse", 91) + " and more", "one JSON object"},
      {"Here it is: " + answer("worse", 91), "one JSON object"},
      {answer("worse", 91) + answer("worse", 91), "one JSON object"},
      {"```json\n" + answer("worse", 91) + "\n```\nmore", "one JSON object"},
      {"```json\n" + answer("worse", 91) + "\n```\n```\n{}\n```", "one JSON object"},
      {"[" + answer("worse", 91) + "]", "one JSON object"},
      {"{}", "nonce"},
      {answer("worse", 91, ""), "nonce"},
      {answer("worse", 91, "0123456789ABCDEF0123456789ABCDEF"), "nonce"},
      {answer("worse", 91, "0123456789abcdef"), "nonce"},
      {answer("better", 91), "verdict"},
      {answer("Worse", 91), "verdict"},
      {answer("pass", 91), "verdict"},
      {answer("worse", 101), "confidence"},
      {answer("worse", -1), "confidence"},
      {replace_all(answer("worse", 91), "91", "0.91"), "confidence"},
      {replace_all(answer("worse", 91), "91", "\"91\""), "confidence"},
      {replace_all(answer("worse", 91), ",\"confidence\":91", ""), "confidence"},
      {replace_all(answer("worse", 91), "[\"because\"]", "[]"), "reasons"},
      {replace_all(answer("worse", 91), "[\"because\"]", "\"because\""), "reasons"},
      {replace_all(answer("worse", 91), "\"because\"", "7"), "reason"},
      {replace_all(answer("worse", 91), "\"because\"", "\" \""), "reason"},
      {replace_all(answer("worse", 91), "{", "{\"promote\":true,"), "unknown key 'promote'"},
      {replace_all(answer("worse", 91), "{", "{\"verdict\":\"not-worse\","), "one JSON object"},
      {replace_all(answer("worse", 91), "because", std::string(20'000, 'x')), "bytes"},
  };
  for (const auto& [text, why] : bad) {
    CAPTURE(text.substr(0, 200));
    const Opinion opinion = read_answer(text, nonce);
    CHECK(opinion.says == Says::nothing);
    CHECK(opinion.problem.find(why) != std::string::npos);
    CHECK(judge(opinion, {}).verdict == Verdict::inconclusive);
  }
  CHECK(read_answer(answer("worse", 91, ""), "").says == Says::nothing);
}

TEST_CASE("the model's reasons are bounded, printable, and hold no secret") {
  const Opinion opinion = read_answer(replace_all(answer("worse", 91), "\"because\"",
                                                  R"("a\u001b[31mb\u202e", "token=abcdef12345", ")" +
                                                      std::string(1000, 'y') + R"(", "4", "5", "6")"),
                                      nonce);
  REQUIRE(opinion.reasons.size() == 5);
  CHECK(opinion.reasons[0] == "ab");
  CHECK(opinion.reasons[1] == "token=[redacted:value]");
  CHECK(opinion.reasons[2].size() <= 200);
}

TEST_CASE("repeats fold into one line that shows the newest, and statuses stay apart") {
  const Excerpt excerpt = make_excerpt(
      "2026-01-01T10:00:00.100Z GET /a 200 1234567\n2026-01-01T10:00:01.250Z GET /a 200 7654321\n"
      "2026-01-01T10:00:02.300Z GET /a 500 7654321\nid 0a1b2c3d4e5f6a7b gone\nid ffffffff00000000 gone\n"
      "status:200\nstatus:500\n\n \n",
      {});
  CHECK(texts(excerpt) == Texts{"2x 2026-01-01T10:00:01.250Z GET /a 200 7654321",
                                "1x 2026-01-01T10:00:02.300Z GET /a 500 7654321",
                                "2x id ffffffff00000000 gone", "1x status:200", "1x status:500"});
  CHECK(excerpt.seen == 7);
  CHECK(excerpt.left_out == 0);
  CHECK(to_text(excerpt).starts_with("7 lines, 0 left out\n2 2026-"));
}

TEST_CASE("the newest lines fill the bound, and old trouble is not pushed out by noise") {
  std::string log = "oldest line\nFATAL crash of the agent\n";
  for (int i = 0; i < 2000; ++i) log += fmt::format("noise {} of {}{}\n", i, "abcdefgh"[i % 8], "xyz"[i % 3]);
  const Excerpt excerpt = make_excerpt(log, {4096, 512, {}});
  const Texts lines = texts(excerpt);
  CHECK(lines.front() == "1x FATAL crash of the agent");
  CHECK(lines.back() == "1x noise 1999 of hy");
  CHECK(excerpt.seen == 2002);
  CHECK(excerpt.left_out == 2002 - static_cast<std::int64_t>(lines.size()));
  std::size_t bytes = 0;
  for (const ExcerptLine& line : excerpt.lines) bytes += line.text.size() + 16;
  CHECK(bytes <= 4096);
}

TEST_CASE("an empty or blank log is no excerpt") {
  for (const std::string_view log : {"", "\n", " \r\n\t\n", "\x1b[0m\n"})
    CHECK(make_excerpt(log, {}).empty());
}

TEST_CASE("lines lose what a person does not see") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"plain", "plain"},
      {"\x1b[1;31mred\x1b[0m", "red"},
      {"\x1b]0;title\x07text", "text"},
      {"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"},
      {"\x1b]never ends", "never ends"},
      {"\x1b", ""},
      {"\x1b[", ""},
      {"\x1b(B\x1b=x", "x"},
      {std::string("a\0b", 3), "ab"},
      {"a\tb  ", "a b"},
      {"z\u200be\u200dr\u2060o\ufeff", "zero"},
      {"\u202eabc\u202c", "abc"},
      {"\uff21\uff4b\uff11", "Ak1"},
      {"gr\u00fc\u00df \u4f60\u597d", "gr\u00fc\u00df \u4f60\u597d"},
      {"\xff", "\ufffd"},
      {"\xc0\xaf", "\ufffd\ufffd"},
      {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
      {"e\u0301\u0301\u0301\u0301", "e\u0301\u0301"},
  };
  for (const auto& [raw, clean] : table) {
    CAPTURE(raw);
    CHECK(clean_text(raw) == clean);
    CHECK(clean_text(clean) == clean);
  }
}

TEST_CASE("secrets of known shapes are replaced, and what is none stays") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"key AKIAIOSFODNN7EXAMPLE used", "key [redacted:token] used"},
      {"password=hunter2", "password=[redacted:value]"},
      {"{\"password\": \"a b c\", \"n\": 1}", "{\"password\": \"[redacted:value]\", \"n\": 1}"},
      {"DB_PASSWD='x'", "DB_PASSWD='[redacted:value]'"},
      {"{\\\"secret\\\":\\\"abcd\\\"}", "{\\\"secret\\\":\\\"[redacted:value]\"}"},
      {"run --api-key abcdef --n 3", "run --api-key [redacted:value] --n 3"},
      {"Authorization: Bearer abcdefgh1234", "Authorization: [redacted:value]"},
      {"token: Bearer abcdefgh1234 end", "token: [redacted:value] end"},
      {"sent bearer abcdefgh1234, ok", "sent bearer [redacted:authorization], ok"},
      {"Set-Cookie: a=b; c=d", "Set-Cookie: [redacted:value]"},
      {"postgres://u:p@h/db", "postgres://[redacted:userinfo]@h/db"},
      {"mail to ana@example.org.", "mail to [redacted:mail]."},
      {"card 4111-1111-1111-1111 ok", "card [redacted:card] ok"},
      {"x aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3 y", "x [redacted:random] y"},
      {"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[redacted:token]"},
      {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_", "[redacted:token]"},
      // not secrets
      {"max_tokens=4096", "max_tokens=4096"},
      {"Unexpected token: <", "Unexpected token: <"},
      {"sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
       "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
      {"in _ZN7tranche4gate5judgeERKNS0_7OpinionERKNS0_13OpinionConfigE+0x12",
       "in _ZN7tranche4gate5judgeERKNS0_7OpinionERKNS0_13OpinionConfigE+0x12"},
      {"user@host com.foo.Bar@1a2b3c @scope/x@1.2.3", "user@host com.foo.Bar@1a2b3c @scope/x@1.2.3"},
      {"at 12:30:05 from 10.0.0.1:443", "at 12:30:05 from 10.0.0.1:443"},
      {"took 1234567890123456 ns", "took 1234567890123456 ns"},
      {"the secret of the password", "the secret of the password"},
  };
  for (const auto& [raw, safe] : table) {
    CAPTURE(raw);
    CHECK(Redactor({}).redact(raw) == safe);
    CHECK(Redactor({}).redact(safe) == safe);
  }
}

TEST_CASE("private keys go as a whole, and the log goes on behind them") {
  Redactor redactor({});
  Texts out;
  for (const std::string line :
       {"a -----BEGIN RSA PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQ",
        "12:00 x QEFAASCBKcwggSjAgEAAo==", "-----END RSA PRIVATE KEY----- b", "c",
        "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----d", "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQ", "an ordinary line, with words", "-----BEGIN CERTIFICATE-----"})
    out.push_back(redactor.redact(line));
  CHECK(out == Texts{"a [redacted:private-key]", "", "", " b", "c", "[redacted:private-key]d",
                     "[redacted:private-key]", "", "an ordinary line, with words",
                     "-----BEGIN CERTIFICATE-----"});
}

TEST_CASE("what the user names is redacted: literal text anywhere, globs over words") {
  Redactor redactor({{"Project Apollo", "acct-*", "cust??"}, true});
  CHECK(redactor.redact("for Project Apollo: acct-1/x id=acct-22 cust77 custard") ==
        "for [redacted:named]: [redacted:named] id=[redacted:named] [redacted:named] custard");
  CHECK(redactor.redact("from 10.0.0.1:443 and [fe80::1] and 2001:db8:0:0:0:0:0:1, v1.2.3.4000") ==
        "from [redacted:address] and [[redacted:address]] and [redacted:address], v1.2.3.4000");
  CHECK(redactor.redact("std::string at 12:30:05") == "std::string at 12:30:05");
  CHECK(redactor.count() == 7);
}

TEST_CASE("a nonce that the log knows is not used") {
  Question question{make_excerpt("the nonce is " + nonce, {}), make_excerpt("x", {}), ""};
  const auto prompt = make_prompt(question, nonce);
  REQUIRE_FALSE(prompt.has_value());
  CHECK(prompt.error().kind == ErrorKind::verification);
  CHECK(make_prompt(question, "0").error().kind == ErrorKind::invalid);
  question = {make_excerpt("x", {}), make_excerpt("y", {}), "look at sync"};
  const Prompt good = *make_prompt(question, nonce);
  CHECK(good.system.find("look at sync") != std::string::npos);
  CHECK(good.user ==
        fmt::format("BEGIN canary {0}\nc| x\nEND canary {0}\nBEGIN control {0}\ns| y\nEND control {0}\n",
                    nonce));
}

TEST_CASE("a planted fault stands among the canary's newest lines with a time like theirs") {
  const Question question{make_excerpt("10:00:00 a\n10:00:01 b\n", {}), make_excerpt("10:00:00 a\n", {}), ""};
  const Question planted = plant_fault(question, nonce, {});
  CHECK(planted.canary.lines.size() == question.canary.lines.size() + 3);
  CHECK(planted.canary.lines.back().text == "10:00:01 b");
  CHECK(texts(planted.control) == texts(question.control));
  int found = 0;
  for (const ExcerptLine& line : planted.canary.lines)
    if (line.count > 100) {
      ++found;
      CHECK(line.text.starts_with("10:00:01 "));
    }
  CHECK(found == 3);
}

TEST_CASE("what is remembered survives the journal, and holds no text of a log") {
  OpinionMemory memory;
  memory.last = opinion_of(Says::not_worse, 93, Control::confirmed);
  memory.canary_digest = std::string(64, 'a');
  memory.control_digest = std::string(64, '0');
  memory.asked_at = *parse_instant("2026-01-01T00:00:00.5Z");
  memory.canary_since = *parse_instant("2026-01-01T00:00:00Z");
  memory.asked = 3;
  memory.unchanged = 2;
  memory.without = 1;
  memory.canary_lines = 10;
  memory.redacted = 4;
  const auto back = opinion_memory_from_value(to_value(memory));
  REQUIRE(back.has_value());
  CHECK(*back == memory);
  CHECK(*opinion_memory_from_value(to_value(OpinionMemory{})) == OpinionMemory{});

  const auto refused = [&](std::string_view key, doc::Value value, bool in_last) {
    doc::Value changed = to_value(memory);
    (in_last ? changed.find("last") : &changed)->set(std::string(key), std::move(value));
    return !opinion_memory_from_value(changed).has_value();
  };
  CHECK(refused("says", "fine", true));
  CHECK(refused("confidence", 101, true));
  CHECK(refused("confidence", -1, true));
  CHECK(refused("reasons", doc::Value(doc::Array{std::string(300, 'x')}), true));
  CHECK(refused("problem", std::string(3000, 'x'), true));
  CHECK(refused("canary-digest", "log text", false));
  CHECK(refused("asked", -1, false));
  CHECK(refused("asked-at", "yesterday", false));
}
