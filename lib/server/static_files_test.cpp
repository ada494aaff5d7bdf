#include "server/static_files.hpp"

#include <doctest/doctest.h>

#include "channel/statement.hpp"
#include "crypto/digest.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::server;

namespace {

constexpr const char* name = "latest.yml";
constexpr const char* text = "version: 1.2.0\n";

crypto::SecretKey key_of(char seed) { return *crypto::SecretKey::from_seed(Secret(std::string(32, seed))); }

struct Site {
  support::FakeWorld fake;
  crypto::SecretKey feed = key_of('f');
  crypto::SecretKey stranger = key_of('s');
  signing::Trust trust{{}, {}, {feed.public_key()}, {}};
  StaticFiles files{fake.files};

  void put(const std::string& file, const std::string& bytes) {
    REQUIRE(fake.files.write("/store/" + file, bytes).has_value());
  }
  void state(const std::string& bytes, const crypto::SecretKey& key) {
    channel::Statement statement;
    statement.app = "notes";
    statement.channel = "stable";
    statement.feed = "electron";
    statement.name = name;
    statement.sha256 = {crypto::to_hex(crypto::sha256(bytes))};
    put(channel::statement_name(name), *channel::seal(statement, key));
  }
  int status() {
    Response response = files.get("/store", name, "", trust);
    if (response.later) response = response.later();
    if (response.status == 200) CHECK(response.content->bytes == text);
    return response.status;
  }
};

}  // namespace

TEST_CASE("a feed file that the statement beside it does not name is never handed on") {
  Site site;
  site.put(name, text);
  CHECK(site.status() == 200);  // nothing was ever said of it
  site.state(text, site.feed);
  CHECK(site.status() == 200);
  site.state("version: 1.1.0\n", site.feed);
  CHECK(site.status() == 503);
  site.state(text, site.stranger);
  CHECK(site.status() == 503);
  site.put(channel::statement_name(name), "{}");
  CHECK(site.status() == 503);
}
