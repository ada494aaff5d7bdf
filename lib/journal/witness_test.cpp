#include "journal/witness.hpp"

#include "journal/journal_fixture.hpp"
#include "support/fake_witness.hpp"

namespace tranche::journal {
namespace {

struct Scene : Fixture {
  support::FakeWitness ana{"a.example/w", key_of('a'), origin, key_of('j').public_key()};
  support::FakeWitness bo{"b.example/w", key_of('b'), origin, key_of('j').public_key()};
  spec::App app;

  Scene() {
    app.witnesses_known = {{"ana", ana.verifier_key(), "https://a.example/prefix/", {}},
                           {"bo", bo.verifier_key(), "https://b.example", {}}};
    app.witnesses_required = 2;
    fake.http.handler = [this](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      if (request.url == "https://a.example/prefix/add-checkpoint") return ana.answer(request);
      if (request.url == "https://b.example/add-checkpoint") return bo.answer(request);
      return fail(ErrorKind::failed, "no such host");
    };
  }
  WitnessPolicy policy() { return witness_policy(app).value(); }
  Witnessed ask() {
    auto journal = open();
    auto witnessed = ask_witnesses(world, *store, *journal, policy());
    if (!witnessed) FAIL(witnessed.error().message);
    return *witnessed;
  }
};

TEST_CASE("witnesses sign every size the journal grows to, and what they sign is kept") {
  Scene s;
  for (const std::size_t more : {5, 250, 1, 1, 300}) {
    s.fill(more);
    const auto journal = s.open();
    CHECK_FALSE(read_witnessed(*s.store, *journal, s.policy())->enough());
    const Witnessed witnessed = s.ask();
    CHECK(witnessed.complaints.empty());
    CHECK(witnessed.enough());
    REQUIRE(witnessed.by.size() == 2);
    CHECK(witnessed.by[0].name == "a.example/w");
    CHECK(tranche::to_text(witnessed.by[0].at) == "2026-01-01T00:00:00Z");
    const auto kept = read_witnessed(*s.store, *journal, s.policy());
    CHECK(kept->enough());
    CHECK(kept->note == witnessed.note);
    CHECK(signing::open_note(kept->note, origin, s.options().trusted).has_value());
    CHECK(s.ana.size() == journal->size());
  }
  const int before = s.ana.asked;
  CHECK(s.ask().enough());
  CHECK(s.ana.asked == before);  // who has signed is not asked again
}

TEST_CASE("a witness that has seen more than we remember says so, and gets the proof from there") {
  Scene s;
  s.fill(5);
  CHECK(s.ask().enough());
  REQUIRE(s.store->remove(std::vector{std::string(witnessed_name)}).has_value());
  s.fill(7);
  CHECK(s.ask().enough());
}

TEST_CASE("enough is enough: of three known and one required, one is asked") {
  Scene s;
  s.app.witnesses_required = 1;
  s.fill(3);
  CHECK(s.ask().enough());
  CHECK(s.bo.asked == 0);
  s.app.witnesses_required = 0;  // all, because somebody wants to know
  CHECK(s.ask().by.size() == 2);
}

TEST_CASE("a witness that is away, refuses or lies does not count, and says why") {
  Scene s;
  s.fill(5);
  struct Case {
    ports::HttpResponse response;
    std::string_view words;
  };
  for (const Case& one :
       {Case{{404, {}, ""}, "it does not know this journal"}, Case{{403, {}, ""}, "does not know the key"},
        Case{{422, {}, ""}, "forked"}, Case{{409, {}, "9999\n"}, "an old copy"},
        Case{{409, {}, "0\n"}, "signed another tree"}, Case{{409, {}, "huh\n"}, "signed another tree"},
        Case{{500, {}, "down\x1b[31m"}, "it answered 500 down"}, Case{{200, {}, "yes"}, "is no signature"},
        Case{{200, {}, "\u2014 b.example/w aGVsbG8gd29ybGQ=\n"}, "no good signature"}}) {
    CAPTURE(one.words);
    s.fake.http.handler = [&](const ports::HttpRequest& request) -> Result<ports::HttpResponse> {
      if (request.url.starts_with("https://a.")) return s.ana.answer(request);
      return one.response;
    };
    const Witnessed witnessed = s.ask();
    CHECK(witnessed.by.size() == 1);
    CHECK_FALSE(witnessed.enough());
    REQUIRE(witnessed.complaints.size() == 1);
    CAPTURE(witnessed.complaints[0]);
    CHECK(witnessed.complaints[0].find(one.words) != std::string::npos);
    CHECK(witnessed.complaints[0].find('\x1b') == std::string::npos);
    CHECK(shortage_text(witnessed).starts_with("1 of 2 required witnesses"));
  }
  s.fake.http.handler = nullptr;
  CHECK(s.ask().by.size() == 1);  // what ana signed before is kept
}

TEST_CASE("a forked journal gets no signature from a witness that has seen the other branch") {
  Scene s;
  s.fill(5);
  const auto base = s.fake.files.bytes;
  s.fill(3);
  CHECK(s.ask().enough());
  for (const std::size_t count : {3, 7}) {
    s.fake.files.bytes = base;
    s.fake.files.bytes.erase("/cache/seen");
    s.fake.clock.advance(std::chrono::hours(1));
    s.fill(count);
    const Witnessed witnessed = s.ask();
    CHECK(witnessed.by.empty());
    CHECK(witnessed.complaints.size() == 2);
    CHECK(witnessed.complaints[0].find("the journal was forked") != std::string::npos);
  }
}

TEST_CASE("signatures kept for another checkpoint, by strangers or changed count for nothing") {
  Scene s;
  s.fill(5);
  const Witnessed good = s.ask();
  const auto count = [&](const std::string& kept) {
    return count_witnesses(s.open()->checkpoint(), kept, s.policy()).by.size();
  };
  CHECK(count(good.note) == 2);
  CHECK(count("") == 0);
  CHECK(count("garbage") == 0);
  CHECK(count(s.open()->checkpoint()) == 0);
  CHECK(count(good.note + good.note.substr(good.note.rfind("\u2014"))) == 2);  // twice counts once
  std::string changed = good.note;
  changed[changed.size() - 10] = changed[changed.size() - 10] == 'A' ? 'B' : 'A';
  CHECK(count(changed) == 1);
  s.fill(1);
  CHECK(count(good.note) == 0);
}

TEST_CASE("an empty journal has nothing to witness, and an app without witnesses nobody to ask") {
  Scene s;
  CHECK(s.ask().enough());
  CHECK(s.ana.asked == 0);
  s.fill(1);
  s.app.witnesses_known.clear();
  s.app.witnesses_required = 0;
  CHECK(s.ask().enough());
}

TEST_CASE("keys that cannot be witnesses are refused") {
  Scene s;
  const auto refused = [&](std::string_view words) {
    const auto policy = witness_policy(s.app);
    REQUIRE_FALSE(policy.has_value());
    CHECK(policy.error().kind == ErrorKind::invalid);
    CAPTURE(policy.error().message);
    CHECK(policy.error().message.find(words) != std::string::npos);
    CHECK_FALSE(policy.error().hint.empty());
  };
  s.app.witnesses_required = 3;
  refused("3 witnesses are required and 2 known");
  s.app.witnesses_required = 2;
  s.app.witnesses_known[1].key = s.app.witnesses_known[0].key;
  refused("of another one");
  s.app.witnesses_known[1].key = signing::verifier_key("b", key_of('b').public_key());
  refused("signs notes, not cosignatures");
  s.app.witnesses_known[1].key = "b+00000000+AAAA";
  refused("no verifier key");
}

}  // namespace
}  // namespace tranche::journal
