// Reading a gate over a source that answers one question and not the other.
#include "engine/read_gate.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

using namespace tranche;
using namespace std::chrono_literals;

TEST_CASE("a time before the release that could not be read is asked for again, and holds until then") {
  support::FakeWorld world;
  const Instant now = world.clock.now();
  spec::App app;
  app.name = "notes";
  spec::Source source;
  source.name = "prom";
  source.url = "http://127.0.0.1:1";
  app.sources = {source};
  spec::Gate gate;
  gate.name = "crashes";
  gate.source = "prom";
  gate.events = "crashes{arm=\"$arm\"}";
  gate.exposure = "sessions{arm=\"$arm\"}";
  gate.before_events = "crashes{ring=\"$arm\"}";
  gate.before_exposure = "sessions{ring=\"$arm\"}";
  gate.before_period = 1h;

  bool answers = false;
  world.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    if (!answers && request.body.find("ring") != std::string::npos)
      return ports::HttpResponse{400, {}, R"({"status":"error","errorType":"bad_data","error":"no"})"};
    return ports::HttpResponse{200, {}, R"({"status":"success","data":{"resultType":"matrix","result":[]}})"};
  };
  engine::GateReader reader(world.world(), "");
  rollout::GateMemory memory;
  rollout::begin_stage(memory, gate, now - 30min);
  const metrics::Variables variables{"notes", "stable", "1.2.0", "1.2.0", "1.1.0", {}};
  for (int i = 0; i < 2; ++i) {
    const rollout::Observation seen = reader.read(app, gate, variables, memory);
    CHECK_FALSE(seen.error.empty());
    CHECK_FALSE(seen.before.has_value());
    rollout::fold(memory, app, gate, seen, now);
    CHECK_FALSE(memory.before_read);
  }
  answers = true;
  const rollout::Observation seen = reader.read(app, gate, variables, memory);
  CHECK(seen.error.empty());
  REQUIRE(seen.before.has_value());
  CHECK(seen.before->size() == 60);
  rollout::fold(memory, app, gate, seen, now);
  CHECK(memory.before_read);
  CHECK_FALSE(reader.read(app, gate, variables, memory).before.has_value());
}
