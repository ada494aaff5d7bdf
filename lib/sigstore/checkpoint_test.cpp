#include "sigstore/checkpoint.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::sigstore;

namespace {

const std::string root = to_base64(std::string(32, 'r'));
const std::string line = "\u2014 log.example " + to_base64("hint" + std::string(64, 's')) + "\n";
const std::string good = "log.example\n7\n" + root + "\n\n" + line;

std::string_view reason_of(const std::string& envelope) {
  const auto read = read_checkpoint(envelope);
  return read ? "verified" : code_of(read.error().reason);
}

}  // namespace

TEST_CASE("a checkpoint is origin, size and root, more lines if any, and signatures after an empty line") {
  const auto read = read_checkpoint(good);
  REQUIRE(read.has_value());
  CHECK(read->origin == "log.example");
  CHECK(read->size == 7);
  CHECK(read->root == std::string(32, 'r'));
  CHECK(read->text == "log.example\n7\n" + root + "\n");
  REQUIRE(read->signatures.size() == 1);
  CHECK(read->signatures[0].name == "log.example");
  CHECK(read->signatures[0].hint == "hint");
  CHECK(read->signatures[0].signature == std::string(64, 's'));
  const auto more = read_checkpoint("log\n7\n" + root + "\nTimestamp: 1\nother\n\n" + line + line);
  REQUIRE(more.has_value());
  CHECK(more->signatures.size() == 2);
  CHECK(more->text.ends_with("other\n"));
}

TEST_CASE("a checkpoint that is not whole is refused, one that nobody signed says so") {
  const std::string text = "log.example\n7\n" + root + "\n";
  for (const auto& [envelope, reason] : std::vector<std::pair<std::string, std::string_view>>{
           {good, "verified"},
           {"", "bad-checkpoint"},
           {text, "bad-checkpoint"},
           {text + "\n", "checkpoint-unsigned"},
           {text + "\n" + line.substr(0, line.size() - 1), "bad-checkpoint"},
           {text + "\n\u2013 log.example aGludHM=\n", "bad-checkpoint"},
           {text + "\n\u2014 log.example\n", "bad-checkpoint"},
           {text + "\n\u2014  aGludHM=\n", "bad-checkpoint"},
           {text + "\n\u2014 log.example aGlu\n", "bad-checkpoint"},
           {text + "\n\u2014 log.example aGludA==\n", "bad-checkpoint"},
           {text + "\n\u2014 log.example aGludHM= more\n", "bad-checkpoint"},
           {"\n7\n" + root + "\n\n" + line, "bad-checkpoint"},
           {"log.example\n-7\n" + root + "\n\n" + line, "bad-checkpoint"},
           {"log.example\n07x\n" + root + "\n\n" + line, "bad-checkpoint"},
           {"log.example\n99999999999999999999\n" + root + "\n\n" + line, "bad-checkpoint"},
           {"log.example\n7\nAAAA\n\n" + line, "bad-checkpoint"},
           {"log.example\n7\n" + root.substr(1) + "\n\n" + line, "bad-checkpoint"},
           {"log.example\n7\n\n" + line, "bad-checkpoint"},
           {std::string(max_checkpoint_bytes, 'a') + good, "bad-checkpoint"}}) {
    CAPTURE(envelope.substr(0, 200));
    CHECK(reason_of(envelope) == reason);
  }
}
