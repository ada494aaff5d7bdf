// The client against a registry in memory, which can be made to misbehave.
#include "oci/registry.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "oci/referrers.hpp"
#include "support/fake_world.hpp"

using namespace tranche;
using namespace tranche::oci;

namespace {

constexpr std::string_view sign_type = "https://sigstore.dev/cosign/sign/v1";

ports::HttpResponse answer(int status, std::string body = {},
                           std::vector<std::pair<std::string, std::string>> headers = {}) {
  ports::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

std::string header_of(const ports::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (lower(key) == name) return value;
  for (const auto& [key, value] : request.secret_headers)
    if (lower(key) == name) return std::string(value.expose());
  return {};
}

struct FakeRegistry {
  support::FakeWorld fake;
  ports::World world = fake.world();
  std::map<std::string, std::string> manifests;  // by digest or tag
  std::map<std::string, std::string> blobs;      // by digest
  bool has_api = false;                          // referrers API and OCI-Subject
  std::deque<ports::HttpResponse> first;         // answers given before all others
  std::function<void(const ports::HttpRequest&)> after_put;
  std::string upload_at = "/v2/team/notes/blobs/uploads/1?state=x";

  Reference image;
  std::string image_bytes = R"({"schemaVersion":2})";

  FakeRegistry() {
    const std::string digest = digest_of(image_bytes);
    image = *parse_reference("127.0.0.1:5000/team/notes@" + digest);
    manifests[digest] = image_bytes;
    fake.http.handler = [this](const ports::HttpRequest& request) { return handle(request); };
  }
  Registry open(Access access = {}) {
    access.write = true;
    auto registry = Registry::open(world, image, std::move(access));
    REQUIRE(registry);
    return std::move(*registry);
  }
  [[nodiscard]] Descriptor subject() const { return describe(manifest_type, image_bytes); }
  [[nodiscard]] std::string tag() const { return referrers_tag(image.digest); }

  Result<ports::HttpResponse> handle(const ports::HttpRequest& request) {
    if (!first.empty()) {
      auto given = first.front();
      first.pop_front();
      return given;
    }
    constexpr std::string_view base = "http://127.0.0.1:5000/v2/team/notes/";
    if (!request.url.starts_with(base)) return answer(404);
    const std::string path = request.url.substr(base.size());
    if (path.starts_with("manifests/")) return manifest(request, path.substr(10));
    if (path.starts_with("referrers/"))
      return has_api ? answer(200, referrers(path.substr(10)), {{"content-type", std::string(index_type)}})
                     : answer(404);
    if (path == "blobs/uploads/") return answer(202, "", {{"location", upload_at}});
    if (path.starts_with("blobs/uploads/1")) {
      blobs[*percent_decode(path.substr(path.find("digest=") + 7))] = request.body;
      return answer(201);
    }
    const auto found = blobs.find(path.substr(6));
    return found == blobs.end() ? answer(404) : answer(200, request.method == "HEAD" ? "" : found->second);
  }
  Result<ports::HttpResponse> manifest(const ports::HttpRequest& request, const std::string& reference) {
    if (request.method == "PUT") {
      manifests[reference] = request.body;
      if (after_put) after_put(request);
      if (has_api) return answer(201, "", {{"oci-subject", image.digest}});
      return answer(201);
    }
    const auto found = manifests.find(reference);
    if (found == manifests.end()) return answer(404);
    return answer(200, found->second,
                  {{"content-type", std::string(manifest_type) + "; charset=utf-8"},
                   {"etag", '"' + digest_of(found->second) + '"'}});
  }
  std::string referrers(const std::string& digest) {
    std::string list = *add_to_index("", subject());
    for (const auto& [name, bytes] : manifests) {
      const auto read = parse_manifest(bytes);
      if (name != digest_of(bytes) || !read || !read->subject || read->subject->digest != digest) continue;
      Descriptor entry = describe(manifest_type, bytes);
      entry.artifact_type = read->artifact_type;
      list = *add_to_index(list, entry);
    }
    return list;
  }
};

Annotations sign_annotations() { return {{std::string(predicate_annotation), std::string(sign_type)}}; }

}  // namespace

TEST_CASE("a bundle is attached once, and found again by the tag") {
  FakeRegistry fake;
  Registry registry = fake.open();
  const auto made = attach_bundle(registry, fake.subject(), "bundle", sign_annotations());
  REQUIRE(made);
  CHECK(made->tag == fake.tag());
  const std::string list = fake.manifests[fake.tag()];
  CHECK(attach_bundle(registry, fake.subject(), "bundle", sign_annotations())->manifest == made->manifest);
  CHECK(fake.manifests[fake.tag()] == list);
  const auto entries = list_bundles(registry, fake.image.digest);
  REQUIRE(entries);
  REQUIRE(entries->size() == 1);
  const auto got = fetch_bundle(registry, fake.image.digest, entries->front(), sign_type);
  REQUIRE(got);
  CHECK(got->bundle == "bundle");
  CHECK(got->code.empty());
  CHECK(fetch_bundle(registry, fake.image.digest, entries->front(), "something else")->bundle.empty());
}

TEST_CASE("a registry with the referrers API keeps the list itself, and no tag is written") {
  FakeRegistry fake;
  fake.has_api = true;
  Registry registry = fake.open();
  const auto made = attach_bundle(registry, fake.subject(), "bundle", sign_annotations());
  REQUIRE(made);
  CHECK(made->tag.empty());
  CHECK(!fake.manifests.contains(fake.tag()));
  const auto entries = list_bundles(registry, fake.image.digest);
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);  // one without a type, which its manifest will tell
  CHECK(fetch_bundle(registry, fake.image.digest, entries->front(), sign_type)->bundle.empty());
  CHECK(fetch_bundle(registry, fake.image.digest, entries->back(), sign_type)->bundle == "bundle");
}

TEST_CASE("who loses the race for the list writes again, and gives up with a conflict in the end") {
  FakeRegistry fake;
  Registry registry = fake.open();
  const std::string foreign = *add_to_index("", fake.subject());
  int lost = 0;
  fake.after_put = [&](const ports::HttpRequest& request) {
    if (request.url.ends_with(fake.tag()) && lost++ < 2) fake.manifests[fake.tag()] = foreign;
  };
  REQUIRE(attach_bundle(registry, fake.subject(), "bundle", sign_annotations()));
  CHECK(lost == 3);
  CHECK(parse_index(fake.manifests[fake.tag()])->size() == 2);
  fake.after_put = [&](const ports::HttpRequest& request) {
    if (request.url.ends_with(fake.tag())) fake.manifests[fake.tag()] = foreign;
  };
  const auto never = attach_bundle(registry, fake.subject(), "another", sign_annotations());
  REQUIRE(!never);
  CHECK(never.error().kind == ErrorKind::conflict);
}

TEST_CASE("the list is written on condition that it is still the one that was read") {
  FakeRegistry fake;
  fake.manifests[fake.tag()] = *add_to_index("", fake.subject());
  const std::string etag = '"' + digest_of(fake.manifests[fake.tag()]) + '"';
  Registry registry = fake.open();
  REQUIRE(attach_bundle(registry, fake.subject(), "bundle", sign_annotations()));
  bool seen = false;
  for (const auto& request : fake.fake.http.requests)
    if (request.method == "PUT" && request.url.ends_with(fake.tag())) {
      seen = true;
      CHECK(header_of(request, "if-match") == etag);
    }
  CHECK(seen);
  fake.first = {answer(412)};
  CHECK(registry.put_manifest(fake.tag(), index_type, "{}", etag)->lost);
}

TEST_CASE("what does not have its digest, belongs to another image or is too large is refused by name") {
  FakeRegistry fake;
  Registry registry = fake.open();
  const auto made = attach_bundle(registry, fake.subject(), "bundle", sign_annotations());
  REQUIRE(made);
  const Descriptor entry = list_bundles(registry, fake.image.digest)->front();
  const auto code = [&](const Descriptor& one) {
    const auto got = fetch_bundle(registry, fake.image.digest, one, sign_type);
    REQUIRE(got);
    CHECK(got->bundle.empty());
    return got->code;
  };
  CHECK(fetch_bundle(registry, digest_of("other"), entry, sign_type)->code == "wrong-subject");
  const std::string bundle = digest_of("bundle");
  fake.blobs[bundle] = "bundlf";
  CHECK(code(entry) == "wrong-digest");
  fake.blobs[bundle] = "bundle and more";
  CHECK(code(entry) == "wrong-digest");
  fake.blobs.erase(bundle);
  CHECK(code(entry) == "wrong-digest");
  fake.blobs[bundle] = "bundle";
  const std::string manifest = fake.manifests[entry.digest];
  fake.manifests[entry.digest] += " ";
  CHECK(code(entry) == "wrong-digest");
  fake.manifests.erase(entry.digest);
  CHECK(code(entry) == "bad-referrer");
  const auto with = [&](std::string_view from, std::string_view to) {
    const std::string changed = replace_all(manifest, from, to);
    REQUIRE(changed != manifest);
    fake.manifests[digest_of(changed)] = changed;
    return describe(manifest_type, changed);
  };
  CHECK(code(with("\"size\":6", "\"size\":16777217")) == "bad-referrer");
  CHECK(code(with("\"size\":6", "\"size\":7")) == "wrong-digest");
  CHECK(code(with("\"subject\"", "\"object\"")) == "wrong-subject");
  CHECK(code(with("\"layers\":[", "\"layers\":[" + std::string(R"({"mediaType":"x","digest":")") + bundle +
                                      R"(","size":1},)")) == "bad-referrer");
  CHECK(code(with("\"schemaVersion\"", "\"layers\"")) == "bad-referrer");
  Descriptor huge = entry;
  huge.size = max_manifest_bytes + 1;
  CHECK(code(huge) == "bad-referrer");
}

TEST_CASE("an image that does not have its digest is refused") {
  FakeRegistry fake;
  fake.manifests[fake.image.digest] = "changed";
  Registry registry = fake.open();
  CHECK(registry.get_manifest(fake.image.digest).error().kind == ErrorKind::verification);
}

TEST_CASE("a token is asked for once, of the scope that is needed, and again when it has expired") {
  FakeRegistry fake;
  const std::string challenge =
      R"(Bearer realm="http://127.0.0.1:6000/token?x=1",service="the registry",scope="repository:else:delete")";
  Registry registry = fake.open({.credentials = Credentials{"ana", Secret("word")}});
  fake.first = {answer(401, "", {{"www-authenticate", challenge}}), answer(200, R"({"token":"abc"})")};
  REQUIRE(registry.get_manifest(fake.image.digest));
  REQUIRE(registry.get_manifest(fake.image.digest));
  const auto& sent = fake.fake.http.requests;
  REQUIRE(sent.size() == 4);
  CHECK(header_of(sent[0], "authorization").empty());
  CHECK(
      sent[1].url ==
      "http://127.0.0.1:6000/token?x=1&service=the%20registry&scope=repository%3Ateam%2Fnotes%3Apull%2Cpush");
  CHECK(header_of(sent[1], "authorization") == "Basic YW5hOndvcmQ=");
  CHECK(header_of(sent[2], "authorization") == "Bearer abc");
  CHECK(header_of(sent[3], "authorization") == "Bearer abc");
  fake.first = {answer(401, "", {{"www-authenticate", challenge}}), answer(200, R"({"access_token":"def"})")};
  REQUIRE(registry.get_manifest(fake.image.digest));
  CHECK(header_of(sent.back(), "authorization") == "Bearer def");
}

TEST_CASE("a password goes nowhere without encryption, and to no other machine than it is meant for") {
  FakeRegistry fake;
  for (const char* realm : {"http://auth.example/token", "http://127.0.0.1.evil.example/token", "ftp://x/",
                            "https://ana@evil.example/", "/token"}) {
    CAPTURE(realm);
    Registry registry = fake.open({.credentials = Credentials{"ana", Secret("word")}});
    fake.first = {answer(401, "", {{"www-authenticate", fmt::format("Bearer realm=\"{}\"", realm)}})};
    CHECK(registry.get_manifest(fake.image.digest).error().kind == ErrorKind::denied);
  }
  // A registry elsewhere may not send us to a service of this machine.
  const auto elsewhere = *parse_reference("registry.example/notes@" + fake.image.digest);
  auto far = Registry::open(fake.world, elsewhere, {.credentials = Credentials{"ana", Secret("word")}});
  fake.first = {answer(401, "", {{"www-authenticate", "Bearer realm=\"http://127.0.0.1:6000/t\""}})};
  CHECK(far->get_manifest(fake.image.digest).error().kind == ErrorKind::denied);
  auto plain = Registry::open(fake.world, elsewhere,
                              {.credentials = Credentials{"ana", Secret("word")}, .plain_http = true});
  REQUIRE(!plain);
  CHECK(plain.error().kind == ErrorKind::denied);

  // The upload goes on at another host: the bytes may go there, the password does not.
  fake.upload_at = "https://uploads.example/1";
  Registry registry = fake.open({.credentials = Credentials{"ana", Secret("word")}});
  fake.first = {answer(401, "", {{"www-authenticate", "Basic realm=x"}})};
  REQUIRE(!registry.put_blob("bytes"));
  CHECK(fake.fake.http.requests.back().url.starts_with("https://uploads.example/1?digest=sha256%3A"));
  CHECK(header_of(fake.fake.http.requests.back(), "authorization").empty());
  fake.upload_at = "http://uploads.example/1";
  CHECK(!registry.put_blob("bytes"));
  CHECK(fake.fake.http.requests.back().method == "POST");
}

TEST_CASE("a registry that is away for a moment is asked again, for as long as it says") {
  FakeRegistry fake;
  Registry registry = fake.open();
  const Instant begin = fake.fake.clock.now();
  fake.first = {answer(503), answer(429, "", {{"retry-after", "7"}})};
  REQUIRE(registry.get_manifest(fake.image.digest));
  CHECK(fake.fake.clock.now() - begin == std::chrono::seconds(8));
  fake.first = {answer(503), answer(503), answer(503, R"({"errors":[{"code":"X","message":"down"}]})")};
  const auto down = registry.get_manifest(fake.image.digest);
  REQUIRE(!down);
  CHECK(down.error().message.find("503") != std::string::npos);
  CHECK(down.error().message.find("X down") != std::string::npos);
}

TEST_CASE("a list in pages is read to its end, on the same registry and within bounds") {
  FakeRegistry fake;
  Registry registry = fake.open();
  const auto page = [&](std::string link, int number) {
    return answer(200, *add_to_index("", describe(manifest_type, std::to_string(number))),
                  {{"content-type", std::string(index_type)}, {"link", std::move(link)}});
  };
  fake.first = {page("</v2/team/notes/referrers/x?n=2>; rel=\"next\"", 1), page("", 2)};
  CHECK((*registry.get_referrers(fake.image.digest))->size() == 2);
  fake.first = {page("<https://evil.example/v2/>; rel=\"next\"", 1)};
  CHECK(registry.get_referrers(fake.image.digest).error().kind == ErrorKind::verification);
  for (int i = 0; i < 40; ++i) fake.first.push_back(page("</v2/team/notes/referrers/x>; rel=\"next\"", i));
  CHECK(registry.get_referrers(fake.image.digest).error().kind == ErrorKind::verification);
  fake.first = {answer(303, "", {{"location", "https://images.example/"}})};
  CHECK_FALSE(*registry.get_referrers(fake.image.digest));  // says in its own way that it has no such API
  fake.first = {answer(403)};
  CHECK(registry.get_referrers(fake.image.digest).error().kind == ErrorKind::failed);
}

TEST_CASE("a registry that drips, or has too much attached, does not hold the run") {
  FakeRegistry fake;
  Registry registry = fake.open();
  for (int i = 0; i < 3; ++i)
    REQUIRE(attach_bundle(registry, fake.subject(), std::to_string(i), sign_annotations()));
  CHECK(fetch_bundles(registry, fake.image.digest, sign_type)->size() == 3);
  const auto answers = fake.fake.http.handler;
  fake.fake.http.handler = [&](const ports::HttpRequest& request) {
    fake.fake.clock.advance(std::chrono::minutes(2));
    return answers(request);
  };
  const auto slow = fetch_bundles(registry, fake.image.digest, sign_type);
  REQUIRE(!slow);
  CHECK(slow.error().kind == ErrorKind::failed);
  CHECK(slow.error().message.find("within 5m") != std::string::npos);
  fake.fake.http.handler = answers;
  for (int i = 0; i < 5; ++i)
    REQUIRE(attach_bundle(registry, fake.subject(), std::string(15 << 20, static_cast<char>('a' + i)),
                          sign_annotations()));
  CHECK(fetch_bundles(registry, fake.image.digest, sign_type).error().kind == ErrorKind::verification);
}
