// Velopack's own client reads what we write. It is 0.0.1053, the newest that loads on Debian bookworm: it
// checks no digest of a package and sends no stagingId (clients from 0.0.1298 on do both), so a corrupted
// package is no case of this test.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/updater_testing.hpp"
#include "doc/value.hpp"
#include "os/world.hpp"
#include "support/npm_peer.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::channel;
using namespace tranche::channel::testing;

namespace {

struct Question {
  std::string running;
  bool allow_downgrade = false;
  bool download = false;
};

// The real client's answers to what the bench has published.
doc::Value ask_client(UpdaterBench& bench, const std::string& channel,
                      const std::vector<Question>& questions) {
  os::RealWorld real;
  support::TempDirectory directory;
  ports::Files& files = real.world().files;
  for (const auto& [name, bytes] : bench.published) REQUIRE(files.write(directory / ("feed/" + name), bytes));
  for (const Shipped& release : bench.releases)
    for (const Alias& alias : bench.ecosystem.aliases(release.manifest, bench.client))
      REQUIRE(files.write(directory / ("feed/" + alias.name),
                          bench.fake.files.bytes.at("dist/" + alias.artifact)));
  doc::Value cases = doc::Value::array();
  for (const Question& one : questions)
    cases.push(doc::Value::object(
        {{"running", one.running}, {"allowDowngrade", one.allow_downgrade}, {"download", one.download}}));
  const doc::Value input = doc::Value::object({{"feed", directory / "feed"},
                                               {"work", directory / "work"},
                                               {"channel", channel},
                                               {"cases", std::move(cases)}});
  ports::ProcessRequest request;
  request.argv = {"node", *support::find_client_file("velopack_client.mjs")};
  request.input = doc::to_json(input);
  const auto result = real.world().process.run(request);
  REQUIRE(result);
  CAPTURE(result->err);
  REQUIRE(result->exit_code == 0);
  auto answer = doc::parse_json(result->out);
  REQUIRE(answer);
  return std::move(*answer);
}

const std::vector<std::string> running = {"0.9.0", "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "1.2.1", "2.0.0"};

}  // namespace

TEST_CASE("velopack's client takes what ask() says, at every share, with and without downgrades") {
  if (!support::find_client_file("node_modules/velopack"))
    return support::skip_peer("velopack", "npm ci in tests/clients");
  UpdaterBench bench(velopack());
  bench.client.channel = "win";
  REQUIRE(bench.ship("1.0.0", {{"Notes-1.0.0-full.nupkg", "one"}}));
  REQUIRE(bench.ship("1.1.0", {{"Notes-1.1.0-full.nupkg", "two"}, {"Notes-1.1.0-delta.nupkg", "d2"}}));
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0-full.nupkg", "three"}, {"Notes-1.2.0-delta.nupkg", "d3"}}));
  std::vector<Question> questions;
  for (const bool downgrade : {false, true})
    for (const std::string& version : running) questions.push_back({version, downgrade, false});
  const std::vector<cohort::Track> steps = {
      track("1.2.0", 0, "1.1.0"),  // nobody
      track("1.2.0", 50, "1.1.0"), track("1.2.0", 100),
      track("1.1.0", 100),         track("1.0.0", 10),  // and nothing before it
  };
  int compared = 0;
  for (const cohort::Track& step : steps) {
    REQUIRE(bench.publish({step}));
    const doc::Value answers = ask_client(bench, "win", questions);
    CHECK(*answers.text("version") == "0.0.1053");
    for (std::size_t i = 0; i < questions.size(); ++i) {
      CAPTURE(step.release);
      CAPTURE(questions[i].running);
      CAPTURE(questions[i].allow_downgrade);
      const doc::Value& answer = answers.find("answers")->as_array().at(i);
      REQUIRE(answer.find("error") == nullptr);
      bench.client.allow_downgrade = questions[i].allow_downgrade;
      const auto view = bench.view();
      const Answer ours = view->ask({"", questions[i].running});
      CHECK(answer.text_or("offered", "").value() == ours.offered);
      CHECK(*answer.boolean("downgrade") == (ours.reason == "downgrade"));
      ++compared;
    }
    for (const doc::Value& url : answers.find("requests")->as_array()) {
      CHECK(url.as_string().starts_with("/releases.win.json?"));
      CHECK(url.as_string().find("stagingId") == std::string::npos);
    }
  }
  CHECK(compared == 70);
}

TEST_CASE("velopack's client downloads the package from beside the feed") {
  if (!support::find_client_file("node_modules/velopack"))
    return support::skip_peer("velopack", "npm ci in tests/clients");
  UpdaterBench bench(velopack());
  const std::string package(300'000, 'p');
  REQUIRE(bench.ship("1.2.0", {{"Notes-1.2.0-linux-full.nupkg", package}}, "linux/amd64"));
  REQUIRE(bench.publish({track("1.2.0", 100)}));
  const doc::Value answers = ask_client(bench, "linux", {{"1.1.0", false, true}});
  const doc::Value& answer = answers.find("answers")->as_array().at(0);
  CAPTURE(doc::to_json(answer));
  CHECK(*answer.text("sha256") == crypto::to_hex(crypto::sha256(package)));
}
