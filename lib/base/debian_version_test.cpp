#include "base/debian_version.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "os/world.hpp"
#include "support/real_server.hpp"

using namespace tranche;

namespace {

// Texts that dpkg takes for versions, many of them close to each other.
class Versions {
 public:
  explicit Versions(std::uint64_t seed) : random_(seed) {}
  std::string next() {
    std::string out;
    if (pick(4) == 0) out += std::to_string(pick(3)) + ":";
    out += part(true);
    if (pick(3) == 0) out += "-" + part(true);
    if (pick(2) == 0) out += "-" + part(false);
    return out;
  }
  std::pair<std::string, std::string> pair() {
    std::string a = next(), b = a;
    if (pick(2) == 0) return {a, next()};
    // One sign put in or taken out behind the epoch.
    const std::size_t start = a.find(':') == a.npos ? 0 : a.find(':') + 1;
    const std::size_t at = start + 1 + pick(b.size() - start);
    if (pick(2) == 0 || b.size() < start + 3) {
      b.insert(std::min(at, b.size()), 1, "0a~+."[pick(5)]);
    } else {
      b.erase(std::min(at, b.size() - 1), 1);
    }
    if (b.ends_with('-')) b += '0';
    return {a, b};
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::string part(bool digit_first) {
    std::string out;
    if (digit_first) out += static_cast<char>('0' + pick(10));
    for (std::size_t i = pick(7) + (digit_first ? 0 : 1); i > 0; --i) out += "0019az.+~.Z2"[pick(12)];
    return out;
  }
  std::mt19937_64 random_;
};

int sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

void skip_without(const char* program, const char* package) {
  MESSAGE("skipped: " << program << " is missing (apt-get install " << package << ")");
  CHECK(std::getenv("TRANCHE_REQUIRE_PEERS") == nullptr);
}

}  // namespace

TEST_CASE("Debian versions order as deb-version(7) says") {
  const std::vector<std::string> ascending{"0~~",
                                           "0~~a",
                                           "0~",
                                           "0",
                                           "0.1",
                                           "1.0~~",
                                           "1.0~rc1",
                                           "1.0~rc.1",
                                           "1.0",
                                           "1.0-1~bpo12+1",
                                           "1.0-1",
                                           "1.0-1+b1",
                                           "1.0-1.1",
                                           "1.0-2",
                                           "1.0-10",
                                           "1.0a",
                                           "1.0+dfsg-1",
                                           "1.0-1-1",
                                           "1.0.1",
                                           "1.2.0~beta",
                                           "1.2.0",
                                           "1.2.0-1",
                                           "1.10",
                                           "2",
                                           "99999999999999999999",
                                           "100000000000000000000",
                                           "1:0~",
                                           "1:0.1",
                                           "2:0"};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      CAPTURE(ascending[i]);
      CAPTURE(ascending[j]);
      CHECK(sign(compare_debian_versions(ascending[i], ascending[j])) ==
            sign(static_cast<int>(i) - static_cast<int>(j)));
    }
}

TEST_CASE("an epoch of 0, a revision of 0 and leading zeros change nothing") {
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {"0:1.2", "1.2"}, {"1.2-0", "1.2"}, {"1.02", "1.2"}, {"1.2-00", "1.2"}, {"00:1.2", "1.2"}}) {
    CAPTURE(a);
    CHECK(compare_debian_versions(a, b) == 0);
    CHECK(compare_debian_versions(b, a) == 0);
  }
}

TEST_CASE("what may stand as a Debian version is what policy allows") {
  for (const char* good :
       {"1", "1.2.0", "1.2.0-1", "1:2-3", "0.9~rc1+git20260101-1~bpo12+1", "1-2-3", "1:2:3-4"}) {
    CAPTURE(good);
    CHECK(valid_debian_version(good));
  }
  for (const std::string& bad : {std::string(), std::string("a1"), std::string("1 2"), std::string("1_2"),
                                 std::string("1:"), std::string(":1"), std::string("-1"), std::string("1-"),
                                 std::string("x:1"), std::string("1:2\n"), std::string("2147483648:1"),
                                 std::string("1-2:3"), std::string(257, '1'), std::string("1.\xc3\xa4")}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_debian_version(bad));
  }
}

TEST_CASE("any bytes compare, antisymmetric and transitive") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const auto text = [&] {
    std::string out;
    for (std::size_t i = random() % 6; i > 0; --i) out += "01a~-:+.\xff"[random() % 9];
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string a = text(), b = text(), c = text();
    CAPTURE(a);
    CAPTURE(b);
    CAPTURE(c);
    const int ab = sign(compare_debian_versions(a, b));
    CHECK(ab == -sign(compare_debian_versions(b, a)));
    if (ab <= 0 && compare_debian_versions(b, c) <= 0) CHECK(compare_debian_versions(a, c) <= 0);
  }
}

TEST_CASE("dpkg orders random pairs as we do") {
  const auto process = os::make_process();
  if (!support::have_program(*process, "dpkg")) return skip_without("dpkg", "dpkg");
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  Versions versions(seed);
  for (int i = 0; i < 500; ++i) {
    const auto [a, b] = versions.pair();
    CAPTURE(a);
    CAPTURE(b);
    CHECK(valid_debian_version(a));
    const int order = compare_debian_versions(a, b);
    ports::ProcessRequest request;
    request.argv = {"dpkg", "--compare-versions", a, order < 0 ? "lt" : order > 0 ? "gt" : "eq", b};
    const auto answer = process->run(request);
    REQUIRE(answer.has_value());
    CHECK(answer->exit_code == 0);
  }
}

TEST_CASE("libapt orders thousands of random pairs as we do") {
  const auto process = os::make_process();
  ports::ProcessRequest request;
  request.argv = {"/usr/bin/python3", "-c", "import apt_pkg"};
  if (const auto there = process->run(request); !there || there->exit_code != 0)
    return skip_without("python3-apt", "python3-apt");
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  Versions versions(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto [a, b] = versions.pair();
    request.input += a + " " + b + " " + std::to_string(sign(compare_debian_versions(a, b))) + "\n";
  }
  request.argv[2] =
      "import apt_pkg, sys\n"
      "apt_pkg.init_system()\n"
      "for line in sys.stdin:\n"
      "  a, b, ours = line.split()\n"
      "  order = apt_pkg.version_compare(a, b)\n"
      "  if (order > 0) - (order < 0) != int(ours): print(a, b, 'apt:', order, 'ours:', ours)\n";
  const auto answer = process->run(request);
  REQUIRE(answer.has_value());
  CHECK(answer->exit_code == 0);
  CHECK(answer->err == "");
  CHECK(answer->out == "");
}
