#include "journal/checkpoint.hpp"

#include <doctest/doctest.h>

#include "journal/bundle.hpp"

namespace tranche::journal {
namespace {

constexpr auto root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

TEST_CASE("a checkpoint is three lines and reads back equal") {
  const Checkpoint checkpoint{"tranche/notes-agent", 70'000, empty_root()};
  CHECK(to_text(checkpoint) == std::string("tranche/notes-agent\n70000\n") + root + "\n");
  CHECK(*parse_checkpoint(to_text(checkpoint)) == checkpoint);
  CHECK(*parse_checkpoint(to_text(checkpoint) + "an extension\n") == checkpoint);
}

TEST_CASE("a checkpoint of any other form is refused") {
  const std::string good_root = root;
  for (const std::string& text : std::vector<std::string>{
           std::string(), std::string("\n"), std::string("o\n1\n"), "o\n1\n" + good_root,
           "o\n01\n" + good_root + "\n", "o\n+1\n" + good_root + "\n", "o\n-1\n" + good_root + "\n",
           "o\n1 \n" + good_root + "\n", "o\n99999999999999999999\n" + good_root + "\n",
           "o\n999999999999999999\n" + good_root + "\n", "\n1\n" + good_root + "\n",
           "o\n1\n" + good_root.substr(4) + "\n", "o\n1\nAAAA\n", "o\n1\n\n", "o\n1\n" + good_root + "\n\n",
           "o\n1\n" + good_root + "\n" + std::string(20'000, 'x') + "\n"}) {
    CAPTURE(text);
    const auto parsed = parse_checkpoint(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().kind == ErrorKind::verification);
  }
}

TEST_CASE("an origin can be a note's name") {
  CHECK(check_origin("tranche/notes-agent").has_value());
  for (const std::string& origin : {std::string(), std::string("a b"), std::string("a+b"),
                                    std::string("a\nb"), std::string(257, 'a'), std::string("ä")})
    CHECK_FALSE(check_origin(origin).has_value());
}

TEST_CASE("a bundle gives back its entries, and refuses a wrong length") {
  std::string bundle;
  add_to_bundle(bundle, "one");
  add_to_bundle(bundle, "");
  add_to_bundle(bundle, std::string(65'535, 'x'));
  const auto entries = split_bundle(bundle);
  REQUIRE(entries.has_value());
  CHECK(entries->size() == 3);
  CHECK((*entries)[0] == "one");
  CHECK((*entries)[2].size() == 65'535);
  CHECK_FALSE(split_bundle(bundle.substr(0, bundle.size() - 1)).has_value());
  CHECK_FALSE(split_bundle(bundle + "x").has_value());
  std::string many;
  for (int i = 0; i < 257; ++i) add_to_bundle(many, "");
  CHECK_FALSE(split_bundle(many).has_value());
}

}  // namespace
}  // namespace tranche::journal
