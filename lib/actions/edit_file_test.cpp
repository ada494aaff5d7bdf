#include "actions/edit_file.hpp"

#include <doctest/doctest.h>

#include <map>

namespace tranche::actions {
namespace {

constexpr const char* values = R"(# what runs where
image:
  repository: images.example/notes   # ours
  tag: "1.0.0"  # moved by tranche
replicas: 3
canary: { weight: 0, 'on': false, tag: 1.0.0 }
list:
  - name: web
    image: images.example/notes:1.0.0
  - { name: proxy, image: 'proxy:7' }
labels:
  app.example/version: v1
)";

std::string edited(const std::string& key, const std::string& value, const std::string& text = values,
                   const std::string& file = "values.yaml") {
  const auto out = edit_text(file, text, key, value);
  return out ? *out : "error: " + out.error().message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("only the bytes of the value change") {
  struct Row {
    const char *key, *value, *from, *to;
  };
  const Row rows[] = {
      {"image.tag", "1.1.0", "\"1.0.0\"", "\"1.1.0\""},
      {"image.tag", "a \"b\"", "\"1.0.0\"", "\"a \\\"b\\\"\""},
      {"image.repository", "other.example/notes", "images.example/notes ", "other.example/notes "},
      {"replicas", "12", "replicas: 3", "replicas: 12"},
      {"replicas", "many", "replicas: 3", "replicas: many"},
      {"canary.weight", "5", "weight: 0", "weight: 5"},
      {"canary.on", "true", "'on': false", "'on': true"},
      {"canary.tag", "1.1.0", "tag: 1.0.0", "tag: 1.1.0"},
      {"canary.tag", "1.10", "tag: 1.0.0", "tag: \"1.10\""},  // stays a text
      {"canary.tag", "a, b", "tag: 1.0.0", "tag: \"a, b\""},
      {"canary.tag", "", "tag: 1.0.0", "tag: \"\""},
      {"canary.tag", "null", "tag: 1.0.0", "tag: \"null\""},
      {"list[0].image", "images.example/notes@sha256:ab", "images.example/notes:1.0.0",
       "images.example/notes@sha256:ab"},
      {"list[1].image", "proxy:8", "'proxy:7'", "'proxy:8'"},
      {"list[1].image", "it's", "'proxy:7'", "\"it's\""},
      {"labels[\"app.example/version\"]", "v2", "v1\n", "v2\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.key);
    CAPTURE(row.value);
    CHECK(edited(row.key, row.value) == replaced(values, row.from, row.to));
  }
}

TEST_CASE("a file of JSON stays one") {
  const std::string text = "{\n  \"a\": {\"tag\": \"1.0\", \"n\": 1, \"deep\": [true, null]}\n}\n";
  CHECK(edited("a.tag", "2.0", text, "x.json") == replaced(text, "\"1.0\"", "\"2.0\""));
  CHECK(edited("a.n", "20", text, "x.json") == replaced(text, "\"n\": 1", "\"n\": 20"));
  CHECK(edited("a.n", "x", text, "x.json") == replaced(text, "\"n\": 1", "\"n\": \"x\""));
  CHECK(edited("a.deep[0]", "false", text, "x.json") == replaced(text, "true", "false"));
}

TEST_CASE("of several documents in a file the one with the key is edited") {
  const std::string text = "kind: Service\nname: a\n---\nkind: Rollout\nspec:\n  image: notes:1\n---\n";
  CHECK(edited("spec.image", "notes:2", text) == replaced(text, "notes:1", "notes:2"));
  CHECK(edited("kind", "X", text) == "error: 2 documents of 'values.yaml' have the key 'kind'");
}

TEST_CASE("without a key the value is the whole file") {
  CHECK(edited("", "1.1.0", "1.0.0\n", "VERSION") == "1.1.0\n");
  CHECK(edited("", "1.1.0\n", "1.0.0", "VERSION") == "1.1.0\n");
}

TEST_CASE("line endings and a missing newline at the end stay") {
  CHECK(edited("b", "2", "a: x\r\nb: 1\r\nc: y") == "a: x\r\nb: 2\r\nc: y");
  CHECK(edited("c", "z", "a: x\nc: y") == "a: x\nc: z");
}

TEST_CASE("what cannot be replaced safely is refused") {
  for (const char* text : {"a: |\n  one\n  two\n", "a: >-\n  one\n", "a: &x 1\nb: *x\n", "a: one\n  two\n",
                           "a: 'one\n  two'\n", "a: [1, 2]\n", "a: { b: c }\n", "a:\n"}) {
    CAPTURE(text);
    const auto out = edit_text("values.yaml", text, "a", "x");
    if (out) {  // or the edit is exact
      CHECK(out->find("x") != std::string::npos);
      const auto again = value_in_text("values.yaml", *out, "a");
      REQUIRE(again.has_value());
      CHECK(*again == "x");
    } else {
      CHECK(out.error().kind == ErrorKind::invalid);
      CHECK_FALSE(out.error().hint.empty());
    }
  }
  CHECK(edited("a", "x", "a: &x 1\nb: *x\n").starts_with("error: "));
  CHECK(edited("a", "x", "a: |\n  one\n").starts_with("error: "));
}

TEST_CASE("a key that is not there says which is near, and the file never grows") {
  const auto out = edit_text("values.yaml", values, "image.tga", "1");
  REQUIRE_FALSE(out.has_value());
  CHECK(out.error().message == "'values.yaml' has no key 'image.tga'");
  CHECK(out.error().hint == "did you mean 'tag'?");
  for (const char* key : {"list[7].image", "list.image", "replicas.x", "[0]"}) {
    CAPTURE(key);
    CHECK(edited(key, "1").starts_with("error: "));
  }
  for (const char* key : {".", "a..b", "a.", "a[", "a[x]", "a[\"b]", "a[99999999999]"}) {
    CAPTURE(key);
    CHECK(edited(key, "1").find("is no key of a file") != std::string::npos);
  }
}

TEST_CASE("values that would break out of their place are quoted or refused") {
  for (const char* value : {"1\nadmin: true", "x: y", "- x", "# no", "*x", "&x", "!!tag", "\"", "'", "{", "}",
                            "%", "@", "`", "a\tb", " a ", "~", "true", "---"}) {
    CAPTURE(value);
    for (const char* key :
         {"image.tag", "image.repository", "canary.tag", "list[0].image", "list[1].image"}) {
      const auto out = edit_text("values.yaml", values, key, value);
      if (!out) continue;
      const auto now = value_in_text("values.yaml", *out, key);
      REQUIRE(now.has_value());
      CHECK(*now == value);
    }
  }
}

TEST_CASE("edits of one file add up, and a file that is missing is an error") {
  std::map<std::string, std::string> tree{{"values.yaml", values}};
  const store::GitWork::Read read = [&](const std::string& path) -> Result<std::optional<std::string>> {
    const auto found = tree.find(path);
    return found == tree.end() ? std::optional<std::string>() : std::optional(found->second);
  };
  const auto files = edit_files(
      {{"values.yaml", "replicas", "4"}, {"VERSION", "", "2"}, {"values.yaml", "canary.weight", "5"}}, read);
  REQUIRE(files.has_value());
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].bytes ==
        replaced(replaced(values, "replicas: 3", "replicas: 4"), "weight: 0", "weight: 5"));
  CHECK((*files)[1].bytes == "2\n");
  CHECK_FALSE(edit_files({{"gone.yaml", "a", "1"}}, read).has_value());
}

}  // namespace tranche::actions
