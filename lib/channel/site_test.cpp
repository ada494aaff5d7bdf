#include "channel/site.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "crypto/hash.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/temp_directory.hpp"

namespace tranche::channel {
namespace {

std::string site_of(ports::World& world, const std::string& text) {
  const auto opened = open_site(world, text);
  if (!opened) return "error: " + opened.error().message;
  return opened->site->describe() + " | " + opened->file;
}

}  // namespace

TEST_CASE("an address is parted into its place and its file, and a repository opens as a whole") {
  support::FakeWorld fake;
  fake.files.bytes["/srv/apt/dists/stable/InRelease"] = "x";
  fake.files.bytes["/srv/latest.yml"] = "x";
  fake.files.bytes["latest.yml"] = "x";
  auto world = fake.world();
  CHECK(site_of(world, "https://host/a/latest.yml") == "https://host/a/ | latest.yml");
  CHECK(site_of(world, "https://host/a/latest.yml?token=1#x") == "https://host/a/ | latest.yml");
  CHECK(site_of(world, "https://host/a/") == "https://host/a/ | ");
  CHECK(site_of(world, "https://host") == "https://host/ | ");
  CHECK(site_of(world, "https://host/a/My%20App.yml") == "https://host/a/ | My App.yml");
  CHECK(site_of(world, "https://host/apt/dists/stable/InRelease") ==
        "https://host/apt/ | dists/stable/InRelease");
  CHECK(site_of(world, "https://host/dists/stable/InRelease") == "https://host/ | dists/stable/InRelease");
  CHECK(site_of(world, "/srv/apt/dists/stable/InRelease") == "dir:/srv/apt/ | dists/stable/InRelease");
  CHECK(site_of(world, "/srv/latest.yml") == "dir:/srv | latest.yml");
  CHECK(site_of(world, "dir:/srv") == "dir:/srv | ");
  CHECK(site_of(world, "latest.yml") == "dir:. | latest.yml");
  CHECK(site_of(world, "https://host/a/..").starts_with("error: '..' leads out"));
  CHECK(site_of(world, "https://host/a/%2e%2e").starts_with("error: '..' leads out"));
  CHECK(site_of(world, "https://host/a/%zz").starts_with("error: "));
}

TEST_CASE(
    "a neighbour is asked for below the address, escaped, and the query goes with the named file only") {
  support::FakeWorld fake;
  fake.http.handler = [](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
    ports::HttpResponse answer;
    answer.status = request.url.ends_with("gone.yml") ? 404 : request.url.ends_with("broken") ? 500 : 200;
    answer.body = "bytes";
    return answer;
  };
  auto world = fake.world();
  const auto opened = open_site(world, "https://host/a/latest.yml?token=1");
  REQUIRE(opened);
  CHECK(opened->site->read("latest.yml", 100)->has_value());
  CHECK(opened->site->read("1.0/My App.exe", 100)->has_value());
  CHECK_FALSE(opened->site->read("gone.yml", 100)->has_value());
  CHECK_FALSE(opened->site->read("broken", 100));
  CHECK_FALSE(opened->site->list()->has_value());
  REQUIRE(fake.http.requests.size() == 4);
  CHECK(fake.http.requests[0].url == "https://host/a/latest.yml?token=1");
  CHECK(fake.http.requests[1].url == "https://host/a/1.0/My%20App.exe");
  CHECK(fake.http.requests[0].max_response_bytes == 100);
}

TEST_CASE("a feed names nothing outside its place") {
  for (const std::string name : {"", "../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a\nb", "a\\b"}) {
    CAPTURE(name);
    CHECK_FALSE(check_site_name(name));
  }
  CHECK_FALSE(check_site_name(std::string(1025, 'a')));
  CHECK(check_site_name("1.0/My App Setup (x64).exe"));
}

TEST_CASE("a link that leads out of a directory is not followed, one that stays is") {
  support::TempDirectory temp;
  std::filesystem::create_directories(temp / "site/a");
  std::ofstream(temp / "secret") << "secret";
  std::ofstream(temp / "site/real.yml") << "feed";
  std::filesystem::create_symlink(temp / "secret", temp / "site/out.yml");
  std::filesystem::create_symlink("real.yml", temp / "site/in.yml");
  const auto real = std::make_unique<os::RealWorld>();
  const auto site = open_directory_site(real->world().files, temp / "site");
  CHECK_FALSE(site->read("out.yml", 100));
  CHECK_FALSE(site->open("out.yml"));
  CHECK(*site->read("in.yml", 100) == "feed");
  const auto measured = measure(*site, "real.yml", {"sha1", "other"});
  REQUIRE(measured);
  CHECK(measured->value().size == 4);
  CHECK(measured->value().digests.at("sha256") == crypto::to_hex(crypto::sha256("feed")));
  CHECK(measured->value().digests.at("sha1") == to_hex(crypto::hash(crypto::HashKind::sha1, "feed")));
  CHECK(measured->value().digests.size() == 2);
  CHECK_FALSE(measure(*site, "absent.yml", {})->has_value());
  CHECK_FALSE(site->read("absent.yml", 100)->has_value());
}

TEST_CASE("one reading takes a bounded number of files") {
  support::FakeWorld fake;
  fake.files.bytes["/srv/a"] = "x";
  const auto site = open_directory_site(fake.files, "/srv");
  const Fetch fetch = fetch_from(*site);
  CHECK(fetch("a", 10)->has_value());
  fake.files.bytes["/srv/a"] = "changed";
  CHECK(*fetch("a", 10) == "x");  // one reading sees one state of a file
  for (std::size_t i = 1; i < max_site_files; ++i) REQUIRE(fetch(fmt::format("b{}", i), 10));
  CHECK_FALSE(fetch("c", 10));
}

}  // namespace tranche::channel
