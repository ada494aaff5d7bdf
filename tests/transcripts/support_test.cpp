// What commands share: talk on a terminal, tables, options, who acts.
#include "commands/support.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "commands/journal/listing.hpp"
#include "commands/statement.hpp"
#include "crypto/digest.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::commands;

TEST_CASE("width counts columns, not bytes") {
  const std::pair<const char*, std::size_t> rows[] = {
      {"", 0},   {"abc", 3}, {"é", 1}, {"日本", 4}, {"e\u0301", 1}, {"\x1b[31mred\x1b[0m", 3},
      {"🚀", 2}, {"…", 1},
  };
  for (const auto& [text, width] : rows) CHECK(display_width(text) == width);
}

TEST_CASE("a text is cut to a width and never inside a character") {
  CHECK(cut_to_width("abcdef", 6) == "abcdef");
  CHECK(cut_to_width("abcdef", 5) == "abcd…");
  CHECK(cut_to_width("日本語", 5) == "日本…");
  CHECK(cut_to_width("日本語", 4) == "日…");
  CHECK(cut_to_width("\x1b[31mabcdef\x1b[0m", 3) == "\x1b[31mab…\x1b[0m");
  CHECK(cut_to_width("abc", 0).empty());
  for (std::size_t columns = 1; columns < 20; ++columns)
    CHECK(display_width(cut_to_width("a日b本c語d🚀e\u0301f", columns)) <= columns);
}

TEST_CASE("a cut-off character at the end of a text is counted and kept") {
  CHECK(display_width("ab\xE6\x97") == 3);
  CHECK(display_width("\xFF\xFE") == 2);
  CHECK(display_width("\x1b[") == 0);
}

TEST_CASE("the live line is rewritten, at most ten times a second, and gone before any line") {
  support::FakeWorld fake;
  auto world = fake.world();
  {
    Talk talk(world, {.live = true});
    talk.live("one");
    talk.live("two");  // too soon
    CHECK(fake.console.err_text == "\rone\x1b[K");
    fake.clock.advance(std::chrono::milliseconds(100));
    talk.live("three");
    talk.line("done");
    CHECK(fake.console.err_text == "\rone\x1b[K\rthree\x1b[K\r\x1b[Kdone\n");
    fake.console.err_text.clear();
    talk.live("left");
  }
  CHECK(fake.console.err_text == "\rleft\x1b[K\r\x1b[K");
}

TEST_CASE("no live line where it cannot be rewritten or is not wanted") {
  support::FakeWorld fake;
  auto world = fake.world();
  Talk dumb(world, {.live = false});
  dumb.live("x");
  Talk quiet(world, {.live = true, .quiet = true});
  quiet.live("x");
  CHECK(fake.console.err_text.empty());
}

TEST_CASE("the live line stays narrower than the terminal") {
  support::FakeWorld fake;
  fake.console.columns = 10;
  auto world = fake.world();
  Talk talk(world, {.live = true});
  talk.live("0123456789abcdef");
  CHECK(fake.console.err_text == "\r01234567…\x1b[K");
}

TEST_CASE("columns line up by what they take on a terminal") {
  Table table({"NAME", "N"});
  table.row({"日本", "1"}).row({"ab", "10"}).align_right(1);
  CHECK(table.text() == "NAME   N\n日本   1\nab    10\n");
  CHECK(Table({"NAME"}).text().empty());
  CHECK(Table().row({"a", ""}).text(2) == "  a\n");
}

TEST_CASE("amounts for people") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(1048575) == "1.0 MiB");
  CHECK(format_ratio(0.01) == "1%");
  CHECK(format_ratio(0.0123) == "1.23%");
  CHECK(format_ratio(0.00001) == "<0.01%");
  CHECK(format_ratio(0) == "0%");
  CHECK(count_of(1, "entry") == "1 entry");
  CHECK(count_of(2, "entry") == "2 entries");
  CHECK(count_of(3, "key") == "3 keys");
  const Instant now = *parse_instant("2026-11-21T12:00:00Z");
  CHECK(format_age(now, now) == "now");
  CHECK(format_age(now - std::chrono::seconds(59), now) == "59s ago");
  CHECK(format_age(now - std::chrono::hours(47), now) == "47h ago");
  CHECK(format_age(now + std::chrono::hours(72), now) == "in 3d");
}

namespace {

Options options_with(const std::string& name, std::vector<std::string> values,
                     std::string default_text = {}) {
  Options options;
  options.entries[name] = {
      .shown = "--" + name, .default_text = std::move(default_text), .values = std::move(values)};
  return options;
}

}  // namespace

TEST_CASE("typed options read their grammar and say which flag is wrong") {
  CHECK(options_with("every", {"5m"}).duration("every").value() == std::chrono::minutes(5));
  CHECK(options_with("every", {}, "1h").duration("every").value() == std::chrono::hours(1));
  const auto bad = options_with("every", {"soon"}).duration("every");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().kind == ErrorKind::usage);
  CHECK(bad.error().message.starts_with("--every: "));
  CHECK(options_with("n", {"12"}).number("n").value() == 12);
  for (const char* text : {"-1", "1.5", "", "99999999999999999999"}) {
    CAPTURE(text);
    const auto number = options_with("n", {text}).number("n");
    REQUIRE_FALSE(number);
    CHECK(number.error().kind == ErrorKind::usage);
  }
  CHECK_FALSE(options_with("n", {}).number("n"));
  CHECK(options_with("p", {"0.5%"}).percent("p").value().ppm == 5000);
}

TEST_CASE("asking for an option that is not declared is a bug, not an empty answer") {
  const Options options;
  CHECK_THROWS_AS(static_cast<void>(options.given("typo")), std::logic_error);
}

TEST_CASE("who acts: the actor of CI, else git's identity, else unknown") {
  support::FakeWorld fake;
  fake.process.handler = [](const ports::ProcessRequest& request) -> Result<ports::ProcessResult> {
    return ports::ProcessResult{.exit_code = 0,
                                .out = request.argv.back() == "user.name" ? "Ana\n" : "ana@example.org\n"};
  };
  auto world = fake.world();
  Talk talk(world, {});
  Context context{.world = world, .talk = talk};
  CHECK(who(context, ".") == "Ana <ana@example.org>");
  fake.environ.values["GITHUB_ACTOR"] = "mallory";  // set, and not in CI
  CHECK(who(context, ".") == "Ana <ana@example.org>");
  fake.environ.values["GITHUB_ACTIONS"] = "true";
  fake.environ.values["GITHUB_ACTOR"] = "ana\x1b[31m";
  CHECK(who(context, ".") == "ana\\x1b[31m");
  fake.environ.values.clear();
  fake.process.handler = nullptr;
  CHECK(who(context, ".") == "unknown");
}

TEST_CASE("a statement is believed from a release key only, and says why it was not") {
  const auto key = [](char fill) { return *crypto::SecretKey::from_seed(Secret(std::string(32, fill))); };
  const auto release = key('r');
  const auto feed = key('f');
  const auto stranger = key('s');
  signing::Trust trust;
  trust.release = {release.public_key()};
  trust.feed = {feed.public_key()};
  const Statement statement{
      .app = "a", .name = "x.deb", .size = 3, .sha256 = crypto::to_hex(crypto::sha256("abc"))};

  const std::string good = *sign_statement(statement, release);
  CHECK(open_statement(good, trust).value() == statement);

  const auto refused = [&](const std::string& envelope, std::string_view code) {
    const auto opened = open_statement(envelope, trust);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == ErrorKind::verification);
    CHECK(refusal_code(envelope, artifact_type, trust) == code);
  };
  refused(*sign_statement(statement, feed), "wrong-role");
  refused(*sign_statement(statement, stranger), "unknown-key");
  refused(*signing::sign_envelope(signing::feed_type, "{}", release), "wrong-type");
  refused("{}", "malformed");
  Statement other = statement;
  other.size = 4;
  const auto envelope = doc::parse_json(*sign_statement(other, release));
  auto mixed = *doc::parse_json(good);
  mixed.set("payload", *envelope->text("payload"));
  refused(doc::to_json(mixed), "bad-signature");
}

TEST_CASE("a cell of a table for spreadsheets is quoted as RFC 4180 has it, and is never a formula") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"a,b", "\"a,b\""},
      {"say \"no\"", "\"say \"\"no\"\"\""},
      {"two\nlines", "\"two\nlines\""},
      {"=1+1", "'=1+1"},
      {"+1", "'+1"},
      {"-1", "'-1"},
      {"@sum", "'@sum"},
      {"\t=1", "'\t=1"},
      {"=a,b", "\"'=a,b\""},
      {"a=b", "a=b"},
  };
  for (const auto& [text, cell] : rows) CHECK(csv_cell(text) == cell);
}
