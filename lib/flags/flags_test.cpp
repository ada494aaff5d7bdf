#include "flags/flags.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "signing/dsse.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::flags;

namespace {

crypto::SecretKey key_of(char seed) {
  auto key = crypto::SecretKey::from_seed(Secret(std::string(32, seed)));
  REQUIRE(key.has_value());
  return *key;
}

struct Keys {
  crypto::SecretKey feed = key_of('f'), release = key_of('r'), stranger = key_of('s');
  signing::Trust trust{{}, {release.public_key()}, {feed.public_key()}, {}};
};

FlagSet usual_set() {
  FlagSet set;
  set.app = "notes-agent";
  set.sequence = 41;
  set.flags["agent-enabled"] = {doc::Value(false), true};
  set.flags["color"] = {doc::Value("bl\"ue ☃"), false};
  set.flags["limit"] = {doc::Value(2.5), false};
  set.flags["tries"] = {doc::Value(3), false};
  return set;
}

bool same(const FlagSet& a, const FlagSet& b) {
  if (a.app != b.app || a.sequence != b.sequence || a.flags.size() != b.flags.size()) return false;
  for (const auto& [name, setting] : a.flags) {
    const auto found = b.flags.find(name);
    if (found == b.flags.end() || !(found->second.value == setting.value) ||
        found->second.kill_switch != setting.kill_switch)
      return false;
  }
  return true;
}

spec::Flag flag_of(spec::Flag::Type type) {
  spec::Flag flag;
  flag.name = "f";
  flag.type = type;
  return flag;
}

}  // namespace

TEST_CASE("flags read back as they were written, and are written one way") {
  const FlagSet set = usual_set();
  const std::string payload = to_payload(set);
  const auto again = parse_payload(payload);
  REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
  CHECK(same(*again, set));
  CHECK(to_payload(*again) == payload);
  CHECK(payload.starts_with(
      R"({"app":"notes-agent","flags":{"agent-enabled":{"kill-switch":true,"value":false})"));
}

TEST_CASE("flags are opened only under a feed key, for their app, unchanged") {
  const Keys keys;
  const FlagSet set = usual_set();
  const std::string envelope = *seal(set, keys.feed);
  const auto opened = open_flags(envelope, keys.trust, "notes-agent");
  REQUIRE(opened.has_value());
  CHECK(same(*opened, set));
  std::string changed = envelope;
  changed[changed.find("payload\":\"") + 20] ^= 1;
  const std::string other_type =
      *signing::sign_envelope("application/vnd.tranche.feed.v1+json", to_payload(set), keys.feed);
  for (const auto& [bytes, app] :
       std::vector<std::pair<std::string, std::string>>{{envelope, "other-app"},
                                                        {*seal(set, keys.release), "notes-agent"},
                                                        {*seal(set, keys.stranger), "notes-agent"},
                                                        {changed, "notes-agent"},
                                                        {other_type, "notes-agent"},
                                                        {"", "notes-agent"},
                                                        {std::string(3 << 20, ' '), "notes-agent"}}) {
    const auto refused = open_flags(bytes, keys.trust, app);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
  }
}

TEST_CASE("a payload that is not ours is refused, whoever signed it") {
  for (const char* payload :
       {"", "[]", "{}", "{\"schema\":\"tranche/flags/v2\",\"app\":\"a\",\"sequence\":1,\"flags\":{}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":-1,\"flags\":{}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":1.5,\"flags\":{}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":1,\"flags\":[]}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":1,\"flags\":{\"f\":true}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":1,\"flags\":{\"f\":{\"value\":null}}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":\"a\",\"sequence\":1,\"flags\":{\"f\":{\"value\":[1]}}}",
        "{\"schema\":\"tranche/flags/v1\",\"app\":7,\"sequence\":1,\"flags\":{}}"}) {
    CAPTURE(payload);
    const auto refused = parse_payload(payload);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::verification);
  }
  // Members that a later version adds are passed over.
  CHECK(parse_payload(R"({"schema":"tranche/flags/v1","app":"a","sequence":1,"new":1,)"
                      R"("flags":{"f":{"value":1,"new":{}}}})")
            .has_value());
}

TEST_CASE("publishing is idempotent, and an older sequence never replaces a newer one") {
  const Keys keys;
  support::FakeWorld fake;
  const auto store = store::open_directory(fake.files, "/public");
  FlagSet set = usual_set();
  REQUIRE(publish_flags(*store, keys.trust, set, keys.feed).has_value());
  const auto first = fake.files.bytes;
  const std::size_t changes = fake.files.changes.size();
  CHECK(publish_flags(*store, keys.trust, set, keys.feed).has_value());
  CHECK(fake.files.changes.size() == changes);
  set.flags["agent-enabled"].value = true;
  // Other values under the sequence that is published, and an older sequence.
  for (const std::uint64_t sequence : {41, 40}) {
    set.sequence = sequence;
    const auto refused = publish_flags(*store, keys.trust, set, keys.feed);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::conflict);
    CHECK(fake.files.bytes == first);
  }
  set.sequence = 42;
  CHECK(publish_flags(*store, keys.trust, set, keys.feed).has_value());
  const auto opened =
      open_flags(fake.files.bytes.at("/public/tranche/v1/flags.json"), keys.trust, "notes-agent");
  REQUIRE(opened.has_value());
  CHECK(opened->sequence == 42);
  CHECK(opened->flags.at("agent-enabled").value == doc::Value(true));
}

TEST_CASE("what no device could open is not published") {
  const Keys keys;
  support::FakeWorld fake;
  const auto store = store::open_directory(fake.files, "/public");
  CHECK(publish_flags(*store, keys.trust, usual_set(), keys.stranger).error().kind ==
        ErrorKind::verification);
  FlagSet many = usual_set();
  for (int i = 0; i < 1'001; ++i) many.flags[fmt::format("flag-{}", i)] = {doc::Value(true), false};
  CHECK_FALSE(publish_flags(*store, keys.trust, many, keys.feed).has_value());
  FlagSet endless = usual_set();
  endless.flags["limit"].value = std::numeric_limits<double>::infinity();
  CHECK_FALSE(publish_flags(*store, keys.trust, endless, keys.feed).has_value());
  CHECK(fake.files.bytes.empty());
}

TEST_CASE("damaged flags are made again when the journal still says them, and refused otherwise") {
  const Keys keys;
  support::FakeWorld fake;
  const auto store = store::open_directory(fake.files, "/public");
  const FlagSet set = usual_set();
  REQUIRE(publish_flags(*store, keys.trust, set, keys.feed).has_value());
  std::string& published = fake.files.bytes["/public/tranche/v1/flags.json"];
  const std::string whole = published, torn = whole.substr(0, whole.size() / 2);
  published = torn;
  const auto refused = publish_flags(*store, keys.trust, set, keys.feed);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::verification);
  CHECK_FALSE(refused.error().hint.empty());
  const auto overtaken =
      publish_flags(*store, keys.trust, set, keys.feed, [] { return Result<bool>(false); });
  REQUIRE_FALSE(overtaken.has_value());
  CHECK(overtaken.error().kind == ErrorKind::conflict);
  CHECK(published == torn);
  CHECK(publish_flags(*store, keys.trust, set, keys.feed, [] { return Result<bool>(true); }).has_value());
  CHECK(published == whole);
}

TEST_CASE("flags that somebody else put there are not replaced unseen") {
  const Keys keys;
  support::FakeWorld fake;
  const auto store = store::open_directory(fake.files, "/public");
  fake.files.bytes["/public/tranche/v1/flags.json"] = *seal(usual_set(), keys.stranger);
  FlagSet set = usual_set();
  set.sequence = 99;
  CHECK(publish_flags(*store, keys.trust, set, keys.feed).error().kind == ErrorKind::verification);
}

TEST_CASE("a value given as text is read by the flag's type") {
  using Type = spec::Flag::Type;
  struct Row {
    Type type;
    const char* text;
    doc::Value want;  // null: refused
  };
  for (const Row& row : std::vector<Row>{{Type::boolean, "true", true},
                                         {Type::boolean, "on", true},
                                         {Type::boolean, "false", false},
                                         {Type::boolean, "off", false},
                                         {Type::boolean, "1", {}},
                                         {Type::boolean, "", {}},
                                         {Type::boolean, "True", {}},
                                         {Type::text, "blue", "blue"},
                                         {Type::text, "", ""},
                                         {Type::text, "\xff", {}},
                                         {Type::number, "10", 10},
                                         {Type::number, "-2.5", -2.5},
                                         {Type::number, "1e3", 1e3},
                                         {Type::number, "ten", {}},
                                         {Type::number, "1 2", {}},
                                         {Type::number, "1e999", {}},
                                         {Type::number, "", {}},
                                         {Type::number, "true", {}}}) {
    CAPTURE(row.text);
    const auto value = parse_flag_value(flag_of(row.type), row.text);
    REQUIRE(value.has_value() == !row.want.is_null());
    if (!value) {
      CHECK(value.error().kind == ErrorKind::usage);
      CHECK_FALSE(value.error().hint.empty());
      continue;
    }
    if (row.want.is_number()) {
      CHECK(value->as_double() == row.want.as_double());
    } else {
      CHECK(*value == row.want);
    }
    CHECK(check_value(flag_of(row.type), *value).has_value());
  }
  CHECK_FALSE(parse_flag_value(flag_of(Type::text), std::string(4'097, 'x')).has_value());
}

TEST_CASE("a value of another type does not fit the flag") {
  using Type = spec::Flag::Type;
  const std::vector<std::pair<Type, doc::Value>> values{
      {Type::boolean, true}, {Type::text, "blue"}, {Type::number, 7}};
  for (const auto& [type, ignored] : values)
    for (const auto& [other, value] : values)
      CHECK(check_value(flag_of(type), value).has_value() == (type == other));
  CHECK(check_value(flag_of(Type::boolean), doc::Value()).error().kind == ErrorKind::invalid);
  CHECK_FALSE(check_value(flag_of(Type::number), std::numeric_limits<double>::quiet_NaN()).has_value());
}
