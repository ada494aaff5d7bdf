#include "oci/reference.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace tranche;
using namespace tranche::oci;

namespace {
const std::string digest = "sha256:" + std::string(64, 'a');
std::string with_digest(std::string_view name) { return std::string(name) + "@" + digest; }
}  // namespace

TEST_CASE("an image is host, repository and digest; a tag before the digest says nothing") {
  struct Row {
    const char* name;
    const char* host;
    const char* repository;
    const char* tag;
  };
  static constexpr auto rows = std::to_array<Row>({
      {"images.example/notes", "images.example", "notes", ""},
      {"Images.Example/team/notes:1.2", "images.example", "team/notes", "1.2"},
      {"localhost/notes", "localhost", "notes", ""},
      {"127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", ""},
      {"[::1]:5000/notes:_x", "[::1]:5000", "notes", "_x"},
      {"registry:443/a__b/c---d.e_f", "registry:443", "a__b/c---d.e_f", ""},
      {"docker.io/alpine", "docker.io", "library/alpine", ""},
      {"index.docker.io/team/notes", "docker.io", "team/notes", ""},
  });
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto reference = parse_reference(with_digest(row.name));
    REQUIRE(reference);
    CHECK(*reference == Reference{row.host, row.repository, row.tag, digest});
    CHECK(*parse_reference(to_text(*reference)) == Reference{row.host, row.repository, "", digest});
  }
}

TEST_CASE("what is not pinned, has no host or is outside the grammar is refused with what to do") {
  struct Row {
    std::string text;
    const char* says;
    const char* hint;
  };
  const std::array rows{
      Row{"images.example/notes:1.2", "no digest: a tag may be moved",
          "skopeo inspect --format '{{.Digest}}'"},
      Row{"images.example/notes@sha256:abc", "no digest that can be used", "64 lower-case"},
      Row{"images.example/notes@sha256:" + std::string(64, 'A'), "no digest that can be used", "lower-case"},
      Row{"images.example/notes@sha512:" + std::string(128, 'a'), "no digest that can be used", "sha256:"},
      Row{with_digest("notes"), "names no registry", "docker.io/notes"},
      Row{with_digest("team/notes"), "names no registry", "docker.io/team/notes"},
      Row{with_digest("images.example/Notes"), "names no repository", "write it like"},
      Row{with_digest("images.example/"), "names no repository", "write it like"},
      Row{with_digest("images.example//notes"), "names no repository", "write it like"},
      Row{with_digest("images.example/a/../b"), "names no repository", "write it like"},
      Row{with_digest("images.example/a___b"), "names no repository", "write it like"},
      Row{with_digest("images.example/a..b"), "names no repository", "write it like"},
      Row{with_digest("images.example/notes-"), "names no repository", "write it like"},
      Row{with_digest("images.example/notes?x"), "names no repository", "write it like"},
      Row{with_digest("images.example/notes:"), "a tag that is none", "write it like"},
      Row{with_digest("images.example/notes:-x"), "a tag that is none", "write it like"},
      Row{with_digest("user:pw@images.example/notes"), "no digest that can be used", "sha256:"},
      Row{with_digest("images.example:0/notes"), "no host", "write it like"},
      Row{with_digest("images.example:65536/notes"), "no host", "write it like"},
      Row{with_digest("-images.example/notes"), "no host", "write it like"},
      Row{with_digest("registry..example/notes"), "no host", "write it like"},
      Row{with_digest("[::1/notes"), "no host", "write it like"},
      Row{with_digest("images.example/" + std::string(256, 'a')), "names no repository", "write it like"},
      Row{with_digest(std::string(2000, 'a')), "is longer than 1024 bytes", "write it like"},
      Row{"", "has no digest", "pin it"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto reference = parse_reference(row.text);
    REQUIRE(!reference);
    CHECK(reference.error().kind == ErrorKind::usage);
    CHECK(reference.error().message.find(row.says) != std::string::npos);
    CHECK(reference.error().hint.find(row.hint) != std::string::npos);
  }
}

TEST_CASE("a word that ends in a digest is meant as an image, a path is not") {
  CHECK(looks_like_image(with_digest("notes")));
  CHECK(looks_like_image("images.example/notes@sha256:abc"));
  CHECK(looks_like_image("images.example/notes@sha512:abc"));
  CHECK_FALSE(looks_like_image(digest));
  CHECK_FALSE(looks_like_image("dist/notes@2x.png"));
  CHECK_FALSE(looks_like_image("C@sha256:/x"));
  CHECK_FALSE(looks_like_image("@sha256:abc"));
}

TEST_CASE("only this machine is asked in the clear without being told to") {
  const auto url = [](std::string_view name, bool plain = false) {
    return base_url(*parse_reference(with_digest(name)), plain);
  };
  CHECK(url("images.example/notes") == "https://images.example");
  CHECK(url("images.example:5000/notes", true) == "http://images.example:5000");
  CHECK(url("127.0.0.1:5000/notes") == "http://127.0.0.1:5000");
  CHECK(url("localhost/notes") == "http://localhost");
  CHECK(url("localhost.evil.example/notes") == "https://localhost.evil.example");
  CHECK(url("127.0.0.1.evil.example/notes") == "https://127.0.0.1.evil.example");
  CHECK(url("docker.io/alpine") == "https://registry-1.docker.io");
}

TEST_CASE("the origin of a url is its scheme and host, and nothing where more stands before the path") {
  CHECK(origin_of("https://images.example/v2/x?y=1") == "https://images.example");
  CHECK(origin_of("http://127.0.0.1:5000/v2/") == "http://127.0.0.1:5000");
  CHECK(origin_of("https://user@evil.example/") == "");
  CHECK(origin_of("https://images.example@evil.example/") == "");
  CHECK(origin_of("https://images.example\\@evil.example/") == "");
  CHECK(origin_of("ftp://images.example/") == "");
  CHECK(origin_of("//images.example/") == "");
  CHECK(origin_of("") == "");
}

TEST_CASE("the list of referrers stands under a tag made of the digest") {
  CHECK(referrers_tag(digest) == "sha256-" + std::string(64, 'a'));
  CHECK(digest_of("{}") == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}
