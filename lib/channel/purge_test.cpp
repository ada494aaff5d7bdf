#include "channel/purge.hpp"

#include <doctest/doctest.h>

#include "support/fake_world.hpp"

namespace tranche::channel {
namespace {

struct Desk {
  support::FakeWorld fake;
  std::unique_ptr<store::Store> store = store::open_directory(fake.files, "/public");
  spec::Channel channel;
  std::vector<int> answers;  // of the next calls; 200 after them, 0: no connection

  Desk() {
    channel.name = "stable";
    channel.purge.url = "https://cdn.example/purge";
    channel.purge.token = "env:TRANCHE_CDN";
    channel.purge.headers = {{"x-zone", "7"}, {"x-key", "env:TRANCHE_KEY"}};
    fake.environ.values = {{"TRANCHE_CDN", "token"}, {"TRANCHE_KEY", "key"}};
    fake.http.handler = [this](const ports::HttpRequest&) -> Result<ports::HttpResponse> {
      int status = 200;
      if (!answers.empty()) {
        status = answers.front();
        answers.erase(answers.begin());
      }
      if (status == 0) return fail_hint(ErrorKind::failed, "look", "cannot connect");
      return ports::HttpResponse{status, {}, "said"};
    };
  }
  Result<bool> purge(std::uint64_t sequence) {
    auto world = fake.world();
    return purge_cdn(world, "/repo", "notes", channel, *store, sequence);
  }
  std::size_t calls() { return fake.http.requests.size(); }
};

TEST_CASE("the CDN's hook is called once for each change of the feed") {
  Desk desk;
  CHECK(*desk.purge(7));
  REQUIRE(desk.calls() == 1);
  const auto& request = desk.fake.http.requests[0];
  CHECK(request.method == "POST");
  CHECK(request.body == R"({"app":"notes","channel":"stable","sequence":7})");
  REQUIRE(request.secret_headers.size() == 2);
  CHECK(request.secret_headers[0].second.expose() == "Bearer token");
  CHECK(request.secret_headers[1].second.expose() == "key");
  CHECK_FALSE(*desk.purge(7));
  CHECK(desk.calls() == 1);
  CHECK(*desk.purge(8));
  CHECK(desk.calls() == 2);
  desk.channel.purge.url.clear();
  CHECK_FALSE(*desk.purge(9));
}

TEST_CASE("trouble that passes is tried again; what stays is an error, and the next publish calls again") {
  Desk desk;
  desk.answers = {503, 0};
  CHECK(*desk.purge(1));
  CHECK(desk.calls() == 3);
  desk.answers = {403};
  const auto denied = desk.purge(2);
  REQUIRE_FALSE(denied.has_value());
  CHECK(denied.error().message == "POST https://cdn.example/purge answered 403: said");
  CHECK_FALSE(denied.error().hint.empty());
  CHECK(desk.calls() == 4);
  desk.answers = {0, 0, 0};
  CHECK_FALSE(desk.purge(2).has_value());
  CHECK(desk.calls() == 7);
  CHECK(*desk.purge(2));
}

TEST_CASE("a hook whose secret is not there is not called") {
  Desk desk;
  desk.fake.environ.values.clear();
  CHECK_FALSE(desk.purge(1).has_value());
  CHECK(desk.calls() == 0);
}

}  // namespace
}  // namespace tranche::channel
