// Our scores against those of another calculator: every CVSS 2 and 3.1 base vector, and generated ones of 4.0
// with threat, environmental and supplemental metrics.
#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "support/line_peer.hpp"
#include "vuln/cvss.hpp"

using namespace tranche;
using namespace tranche::vuln;

namespace {

struct Choice {
  std::string name, values;  // one letter each; "X" among them: may be left out
};
using Choices = std::vector<Choice>;

std::vector<std::string> all_vectors(const std::string& prefix, const Choices& choices) {
  std::vector<std::string> out{prefix};
  for (const Choice& choice : choices) {
    std::vector<std::string> longer;
    for (const std::string& head : out)
      for (const char value : choice.values)
        longer.push_back(fmt::format("{}{}{}:{}", head, head.empty() || head.ends_with('/') ? "" : "/",
                                     choice.name, value));
    out = std::move(longer);
  }
  return out;
}

const Choices base4{{"AV", "NALP"}, {"AC", "LH"},  {"AT", "NP"},  {"PR", "NLH"}, {"UI", "NPA"}, {"VC", "HLN"},
                    {"VI", "HLN"},  {"VA", "HLN"}, {"SC", "HLN"}, {"SI", "HLN"}, {"SA", "HLN"}};
const Choices rest4{{"E", "XAPU"},   {"CR", "XHML"},  {"IR", "XHML"},  {"AR", "XHML"},   {"MAV", "XNALP"},
                    {"MAC", "XLH"},  {"MAT", "XNP"},  {"MPR", "XNLH"}, {"MUI", "XNPA"},  {"MVC", "XHLN"},
                    {"MVI", "XHLN"}, {"MVA", "XHLN"}, {"MSC", "XHLN"}, {"MSI", "XSHLN"}, {"MSA", "XSHLN"},
                    {"S", "XNP"},    {"AU", "XNY"},   {"R", "XAUI"},   {"V", "XDC"},     {"RE", "XLMH"}};

std::vector<std::string> some_vectors(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::string> out;
  while (out.size() < count) {
    std::string vector = "CVSS:4.0";
    for (const auto& [name, values] : base4)
      vector += fmt::format("/{}:{}", name, values[random() % values.size()]);
    const bool plain = random() % 3 == 0;
    for (const auto& [name, values] : rest4)
      if (!plain && random() % 3 == 0)
        vector += fmt::format("/{}:{}", name, values[random() % values.size()]);
    out.push_back(vector);
  }
  return out;
}

// Says the score in tenths, of 4.0 the worse of the base metrics' and all metrics'.
constexpr std::string_view program = R"JS(
const { Cvss2, Cvss3P1, Cvss4P0 } = require(process.argv[1]);
const tenths = (score) => Math.round(score * 10) || 0;  // never -0
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  if (line.startsWith("CVSS:4.0")) {
    const scores = new Cvss4P0(line).calculateScores(false);
    console.log(Math.max(tenths(scores.baseMetricsOnly ?? scores.base), tenths(scores.overall)));
  } else {
    const scores = new (line.startsWith("CVSS:3.1") ? Cvss3P1 : Cvss2)(line).calculateScores(false);
    console.log(tenths(scores.base));
  }
}
)JS";

void compare(const std::vector<std::string>& vectors, std::optional<int> (*score)(std::string_view)) {
  const std::string package = support::find_client_file("node_modules/ae-cvss-calculator").value_or("");
  const auto answers = support::ask_lines({.name = "ae-cvss-calculator",
                                           .how_to_get = "npm ci in tests/clients",
                                           .argv = {"node", "-e", std::string(program), package}},
                                          join(vectors, "\n") + "\n");
  if (!answers) return;
  REQUIRE(answers->size() == vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i)
    CHECK_MESSAGE(fmt::format("{}", score(vectors[i]).value_or(-1)) == (*answers)[i], vectors[i]);
}

}  // namespace

TEST_CASE("every CVSS 2 base vector scores as another calculator has it") {
  compare(all_vectors(
              "", {{"AV", "LAN"}, {"AC", "HML"}, {"Au", "MSN"}, {"C", "NPC"}, {"I", "NPC"}, {"A", "NPC"}}),
          cvss2_base_score);
}

TEST_CASE("every CVSS 3.1 base vector scores as another calculator has it") {
  compare(all_vectors("CVSS:3.1/", {{"AV", "NALP"},
                                    {"AC", "LH"},
                                    {"PR", "NLH"},
                                    {"UI", "NR"},
                                    {"S", "UC"},
                                    {"C", "HLN"},
                                    {"I", "HLN"},
                                    {"A", "HLN"}}),
          cvss3_base_score);
}

TEST_CASE("CVSS 4.0 vectors score as another calculator has it") {
  compare(some_vectors(support::seed_of_run(), 5000), cvss4_score);
}
