// Writes what an editor would see: the JSON Schema, and the example files as JSON, as written and in effect.
//   spec_writer DIRECTORY
#include <cstdio>
#include <string>

#include "os/world.hpp"
#include "spec/examples_for_test.hpp"
#include "spec/spec.hpp"

using namespace tranche;

namespace {

// Documents that the schema alone can refuse.
constexpr const char* bad[] = {
    R"({"version":1,"app":"a","zzz":1})",
    R"({"version":2,"app":"a"})",
    R"({"app":"a"})",
    R"({"version":1,"app":"Notes"})",
    R"({"version":1,"app":"a","signing":{"feed":"env:HOME"}})",
    R"({"version":1,"app":"a","gates":{"g":{"marginn":2}}})",
    R"({"version":1,"app":"a","gates":{"g":{"every":"soon"}}})",
    R"({"version":1,"app":"a","channels":{"stable":{}}})",
    R"({"version":1,"app":"a","channels":{"stable":{"store":"dir:s","feeds":["elektron"]}}})",
    R"({"version":1,"app":"a","rollouts":{"r":{"stages":[]}}})",
    R"({"version":1,"app":"a","rollouts":{"r":{"stages":[{"percent":150}]}}})",
    R"({"version":1,"app":"a","rollouts":{"r":{"stages":[{"percent":5,"bake":"6h.."}]}}})",
    R"({"version":1,"app":"a","rollouts":{"r":{"stages":[{"percent":5,"baek":"1h"}]}}})",
    R"({"version":1,"app":"a","playbooks":{"p":{"steps":[{"uses":"flag.sett"}]}}})",
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto files = os::make_files();
  bool good = true;
  const auto write = [&](const std::string& name, const doc::Value& value) {
    good = files->write(std::string(argv[1]) + "/" + name, doc::to_json_pretty(value)).has_value() && good;
  };
  write("schema.json", spec::json_schema());
  int number = 0;
  for (const std::string_view yaml : spec::round_trip_examples()) {
    const auto document = doc::parse_yaml(yaml, "example");
    const auto parsed = spec::parse(yaml);
    if (!document || !parsed) return 1;
    write(fmt::format("written-{}.json", number), *document);
    write(fmt::format("effective-{}.json", number++), spec::to_value(parsed->apps.front()));
  }
  for (const char* text : bad) {
    const auto document = doc::parse_json(text);
    if (!document || spec::parse(text).has_value()) return 1;  // the loader refuses these, too
    write(fmt::format("bad-{}.json", number++), *document);
  }
  return good ? 0 : 1;
}
