// Exposure grows only on a journal that enough witnesses have signed; stopping asks nobody.
#include "engine/engine_fixture.hpp"
#include "support/fake_witness.hpp"

using namespace tranche;
using namespace tranche::engine;
using namespace tranche::engine::testing;
using rollout::Phase;

namespace {

crypto::SecretKey key_of(char seed) {
  return must(crypto::SecretKey::from_seed(Secret(std::string(32, seed))));
}

struct Watched : AppWorld {
  support::FakeWitness witness{"w.example", key_of('w'), "tranche/notes-agent", key_of('j').public_key()};
  bool away = false;
  std::function<Result<ports::HttpResponse>(const ports::HttpRequest&)> others;

  Watched() {
    app.witnesses_known = {{"w", witness.verifier_key(), "http://127.0.0.1:3", {}}};
    app.witnesses_required = 1;
    others = fake.http.handler;
    fake.http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      if (!request.url.starts_with("http://127.0.0.1:3/")) return others(request);
      if (away) return fail(ErrorKind::failed, "connection refused");
      return witness.answer(request);
    };
    build_and_create("1.0.0");
  }
};

TEST_CASE("nothing is exposed before a witness has signed the journal") {
  Watched w;
  w.away = true;
  const Report waiting = must(w.start("1.0.0"));
  CHECK(waiting.state.phase == Phase::waiting);
  REQUIRE(waiting.state.waits.size() == 1);
  CHECK(waiting.state.waits[0].why.find("0 of 1 required witnesses") != std::string::npos);
  CHECK_FALSE(w.published_feed().has_value());
  w.away = false;
  CHECK(w.tick().state.phase == Phase::baking);
}

TEST_CASE("a stage waits while its witness is away, says why, and goes on when it is back") {
  Watched w;
  must(w.start("1.0.0"));
  w.away = true;
  Report report = w.status();
  bool told = false;
  for (int i = 0; i < 8; ++i) {
    report = w.tick();
    for (const rollout::Wait& wait : report.state.waits)
      told = told || wait.why.find("0 of 1 required") != std::string::npos;
  }
  CHECK(told);
  CHECK(report.state.stage == 0);
  w.away = false;
  w.tick_until([](const rollout::State& state) { return state.stage == 1 && !state.pending; });
  CHECK(w.witness.size() > 0);
}

TEST_CASE("stopping asks no witness") {
  Watched w;
  must(w.start("1.0.0"));
  w.away = true;
  const int asked = w.witness.asked;
  const Report report = must(w.apply(rollout::Stop{"crashes"}));
  CHECK(rollout::is_final(report.state.phase));
  CHECK(w.witness.asked == asked);
}

}  // namespace
