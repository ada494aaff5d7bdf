#include "journal/keys.hpp"

#include "journal/checkpoint.hpp"
#include "journal/journal_fixture.hpp"
#include "journal/tree.hpp"
#include "signing/note.hpp"

namespace tranche::journal {
namespace {

struct Scene : Fixture {
  crypto::SecretKey next = key_of('n');
  Options both() {
    Options options = Fixture::options();
    options.trusted.push_back(next.public_key());
    return options;
  }
  Result<std::unique_ptr<Journal>> open_with(std::vector<crypto::PublicKey> trusted) {
    return Journal::open(world, *store, {origin, std::move(trusted), ""});
  }
  void rotate() {
    auto journal = Journal::open(world, *store, both());
    REQUIRE(journal.has_value());
    const auto entry = (*journal)->rotate(key, next, false, "ana", "she left");
    if (!entry) FAIL(entry.error().message);
    CHECK(entry->kind == rotated_kind);
    CHECK(entry->reason == "she left");
  }
  Result<std::vector<Entry>> append(const crypto::SecretKey& with) {
    auto journal = TRY(open_with(both().trusted));
    return journal->append({draft(0)}, with);
  }
};

TEST_CASE("the checkpoint that ends with a rotation opens with the old key and with the new one") {
  Scene s;
  s.fill(5);
  s.rotate();
  CHECK(s.open_with({s.key.public_key()}).has_value());
  CHECK(s.open_with({s.next.public_key()}).has_value());
  CHECK((*s.open_with(s.both().trusted))->verify().has_value());
}

TEST_CASE("after a rotation only the new key writes, and only it is believed") {
  Scene s;
  s.fill(5);
  s.rotate();
  const auto old = s.append(s.key);
  REQUIRE_FALSE(old.has_value());
  CHECK(old.error().kind == ErrorKind::verification);
  CHECK(old.error().message.find("entry 5 retired key") != std::string::npos);
  CHECK(s.append(s.next).has_value());
  CHECK(s.open_with({s.next.public_key()}).has_value());
  const auto stale = s.open_with({s.key.public_key()});
  REQUIRE_FALSE(stale.has_value());
  CHECK(stale.error().kind == ErrorKind::verification);
}

TEST_CASE("a retired key cannot sign a newer checkpoint, whoever still trusts it") {
  Scene s;
  s.fill(5);
  s.rotate();
  REQUIRE(s.append(s.next).has_value());
  // The thief signs the newest checkpoint, as it is, with the key that he stole.
  const auto& note = s.fake.files.bytes["/state/checkpoint"];
  const std::string text = *signing::open_note(note, origin, s.both().trusted);
  s.fake.files.bytes["/state/checkpoint"] = *signing::sign_note(text, origin, s.key);
  for (const auto& trusted : {s.both().trusted, std::vector{s.key.public_key()}}) {
    const auto journal = s.open_with(trusted);
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().kind == ErrorKind::verification);
    CHECK(journal.error().message.find("retired by entry 5") != std::string::npos);
    CHECK_FALSE(journal.error().hint.empty());
  }
}

TEST_CASE("a rotation needs two different keys that are trusted and not retired") {
  Scene s;
  s.fill(5);
  auto journal = std::move(*s.open_with(s.both().trusted));
  CHECK(journal->rotate(s.key, s.key, false, "", "").error().kind == ErrorKind::invalid);
  CHECK(journal->rotate(s.key, key_of('x'), false, "", "").error().kind == ErrorKind::verification);
  CHECK(journal->rotate(s.key, s.next, true, "", "")->index == 5);
  CHECK(journal->size() == 5);
  REQUIRE(journal->rotate(s.key, s.next, false, "", "").has_value());
  CHECK(journal->rotate(s.next, s.key, false, "", "").error().kind == ErrorKind::verification);
  CHECK(journal->append({s.draft(1)}, s.key).error().kind == ErrorKind::verification);
  CHECK(journal->append({s.draft(1)}, s.next).has_value());
}

TEST_CASE("several rotations one after another keep every retired key retired") {
  Scene s;
  s.fill(3);
  const std::vector keys{key_of('j'), key_of('n'), key_of('o'), key_of('p')};
  std::vector<crypto::PublicKey> trusted;
  for (const auto& key : keys) trusted.push_back(key.public_key());
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    auto journal = std::move(*s.open_with(trusted));
    REQUIRE(journal->rotate(keys[i], keys[i + 1], false, "", "").has_value());
    REQUIRE(journal->append({s.draft(0)}, keys[i + 1]).has_value());
  }
  auto journal = std::move(*s.open_with(trusted));
  for (std::size_t i = 0; i + 1 < keys.size(); ++i)
    CHECK_FALSE(journal->append({s.draft(0)}, keys[i]).has_value());
  CHECK(journal->verify().has_value());
}

TEST_CASE("entries of other kinds cannot pass for a rotation") {
  Scene s;
  Draft draft = Fixture::draft(0);
  draft.subject = keys_subject;
  CHECK(s.open()->append({draft}, s.key).error().kind == ErrorKind::bug);
}

TEST_CASE("a takeover that the new key did not sign is refused where the new key is trusted") {
  Scene s;
  Entry entry;
  static_cast<Draft&>(entry) = *rotation_draft(origin, {}, s.key, s.next, 7);
  entry.index = 7;
  CHECK(check_takeover(entry, origin, s.both().trusted).has_value());
  CHECK_FALSE(check_takeover(entry, "tranche/other", s.both().trusted).has_value());
  entry.index = 8;
  CHECK_FALSE(check_takeover(entry, origin, s.both().trusted).has_value());
  CHECK(check_takeover(entry, origin, std::vector{s.key.public_key()}).has_value());
}

}  // namespace
}  // namespace tranche::journal
