#include "report/report.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/html.hpp"
#include "playbook/machine.hpp"
#include "report/html.hpp"

using namespace tranche;
using namespace tranche::report;
using namespace std::chrono_literals;

namespace {

constexpr const char* yaml = R"(
version: 1
app: notes-agent
artifacts: ["dist/*"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions, margin: 2x, every: 1s }
rollouts:
  desktop:
    channel: stable
    stages:
      - { percent: 5, bake: 10s..20s, gates: [crashes] }
      - { percent: 100, bake: 10s }
    on-failure: rollback
playbooks: { rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] } }
)";

const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");
constexpr const char* evil = "<script>alert('x')</script>\x07\"&";
constexpr const char* rollout_subject = "rollout/notes-agent/desktop";
constexpr const char* playbook_subject = "playbook/notes-agent/desktop";

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  return std::move(*result);
}

// A journal that is a list.
class ListedJournal final : public journal::Journal {
 public:
  [[nodiscard]] std::uint64_t size() const override { return entries.size(); }
  Result<std::vector<journal::Entry>> read(std::uint64_t from, std::uint64_t to) override {
    return std::vector<journal::Entry>(entries.begin() + static_cast<std::ptrdiff_t>(from),
                                       entries.begin() + static_cast<std::ptrdiff_t>(to));
  }
  Result<std::optional<journal::Entry>> latest(std::string_view subject) override {
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
      if (entry->subject == subject && !entry->state.is_null()) return std::optional(*entry);
    return std::optional<journal::Entry>();
  }
  Result<std::vector<std::string>> subjects() override { return std::vector<std::string>(); }
  Result<std::vector<journal::Entry>> append(const std::vector<journal::Draft>& drafts,
                                             const crypto::Ed25519Signer& /*key*/) override {
    for (const journal::Draft& draft : drafts) add(draft, t0);
    return std::vector<journal::Entry>();
  }
  Result<journal::Verification> verify() override { return journal::Verification{}; }
  // A list proves nothing; a page asks for no proof.
  [[nodiscard]] const std::string& checkpoint() const override { return note; }
  Result<> each(std::uint64_t /*from*/, std::uint64_t /*to*/, const Take& /*take*/) override {
    return no_proof();
  }
  Result<std::vector<journal::Hash>> prove(std::uint64_t /*index*/) override { return no_proof(); }
  Result<std::vector<journal::Hash>> prove_growth(std::uint64_t /*from*/, std::uint64_t /*to*/) override {
    return no_proof();
  }
  Result<journal::Hash> root_at(std::uint64_t /*size*/) override { return no_proof(); }
  Result<journal::Entry> rotate(const crypto::Ed25519Signer& /*old_key*/,
                                const crypto::Ed25519Signer& /*new_key*/, bool /*only_check*/,
                                const std::string& /*by*/, const std::string& /*reason*/) override {
    return no_proof();
  }
  static std::unexpected<Error> no_proof() { return fail(ErrorKind::bug, "a list proves nothing"); }
  std::uint64_t add(const journal::Draft& draft, Instant at) {
    entries.push_back({draft, entries.size(), at, {}});
    return entries.size() - 1;
  }
  std::vector<journal::Entry> entries;
  std::string note;
};

// The journal of a release whose gate fails after some polls, and whose reason is hostile.
struct Bad {
  ListedJournal journal;
  rollout::Plan plan;
  rollout::State state;
  Instant now = t0;

  Bad() {
    const auto spec = must(spec::parse(yaml));
    rollout::PlanInput input{"desktop", "1.2.0", std::string(64, 'a'), {}, false};
    input.current.baseline = "1.1.0";
    plan = must(rollout::make_plan(spec.apps[0], input));
    journal::Draft other;
    other.kind = "release.created";
    journal.add(other, now);
    journal::Draft planned;
    planned.kind = "rollout.planned";
    planned.data = rollout::to_value(plan);
    const std::uint64_t at = journal.add(planned, now);
    state = rollout::begin(plan, must(rollout::plan_digest(plan)), at, now);
    record("rollout.started", {state, {"release 1.2.0 starts"}}, evil);
    happen("rollout.exposed", rollout::EffectDone{state.pending->key});
    for (int i = 0; i < 6 && !state.pending; ++i) {
      now += 1s;
      rollout::Tick tick;
      rollout::Window window{now, true, {}};
      window.counts["50000"] = {{i < 3 ? 20.0 : 100.0, 1'000}, {380, 19'000}};
      tick.observations["crashes"].windows.push_back(window);
      happen("rollout.ticked", tick);
    }
    REQUIRE(state.phase == rollout::Phase::rolling_back);
    playbook::Run run = playbook::begin(plan.config.playbooks[0], state.pending->key, now);
    run.steps[0].status = playbook::Status::done;
    run.steps[0].detail = evil;
    journal::Draft step;
    step.kind = "playbook.step-ended";
    step.subject = playbook_subject;
    step.state = playbook::to_value(run);
    journal.add(step, now);
    happen("rollout.playbook-done", rollout::EffectDone{state.pending->key});
  }
  void happen(const std::string& kind, const rollout::What& what) {
    record(kind, must(rollout::step(plan, state, {now, what})), {});
  }
  void record(const std::string& kind, const rollout::Next& next, const std::string& reason) {
    state = next.state;
    journal::Draft draft;
    draft.kind = kind;
    draft.subject = rollout_subject;
    draft.by = evil;
    draft.reason = reason;
    doc::Value decisions = doc::Value::array();
    for (const std::string& decision : next.decisions) decisions.push(decision);
    draft.data = doc::Value::object({{"decisions", decisions}});
    draft.state = rollout::to_value(state);
    journal.add(draft, now);
  }
  std::string page() {
    Story story = must(read_story(journal, rollout_subject, playbook_subject));
    story.checkpoint = std::string("tranche/notes-agent\n") + evil;
    return must(render_page(story));
  }
};

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

int count_of(const std::string& text, std::string_view part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace

TEST_CASE("the page of a rollout has every section, from the journal alone") {
  const std::string page = Bad().page();
  for (const char* part :
       {"<h1>desktop 1.2.0", "rolled-back", "<h2>Stages</h2>", "<h2>Gate crashes", "Evidence, as odds",
        "Rate of events", "<h2>Playbook rollback</h2>", "1-channel.withdraw", "<h2>Decisions</h2>",
        "release 1.2.0 starts", "rollback decided", "<h2>Journal</h2>", "1.1.0", "not reached", "reached"}) {
    CAPTURE(part);
    CHECK(holds(page, part));
  }
  CHECK(count_of(page, "<svg") == 3);
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("what people and releases wrote is text in the page, never markup") {
  const std::string page = Bad().page();
  CHECK_FALSE(holds(page, "<script"));
  CHECK_FALSE(holds(page, "\x07"));
  CHECK(holds(page, "&lt;script&gt;"));
}

TEST_CASE("the page loads nothing and runs nothing") {
  const std::string page = Bad().page();
  CHECK(holds(page,
              "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
              "'unsafe-inline'\""));
  for (const char* part : {"http://", "https://", "src=", "href=", "url(", "@import", "<link", "<img",
                           "<iframe", "onload", "onclick", "javascript:"}) {
    CAPTURE(part);
    CHECK_FALSE(holds(page, part));
  }
}

TEST_CASE("tags are closed in the order they were opened") {
  const std::string page = Bad().page();
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const auto end = page.find('>', at);
    REQUIRE(end != std::string::npos);
    const std::string tag = page.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '!' || tag.ends_with('/') || name == "meta" || name == "br") continue;
    if (tag[0] != '/') {
      open.push_back(name);
      continue;
    }
    REQUIRE_FALSE(open.empty());
    CHECK(open.back() == tag.substr(1));
    open.pop_back();
  }
  CHECK(open.empty());
}

TEST_CASE("a story begins with its own plan: an earlier rollout is not in it") {
  Bad twice;
  const std::size_t before = twice.journal.entries.size();
  const Bad again;
  for (journal::Entry entry : again.journal.entries) {
    if (entry.kind == "rollout.planned") twice.journal.add(entry, entry.at);
    if (entry.subject != rollout_subject) continue;
    rollout::State state = must(rollout::state_from_value(entry.state));
    state.plan_entry = before;
    entry.state = rollout::to_value(state);
    twice.journal.add(entry, entry.at);
  }
  const Story story = must(read_story(twice.journal, rollout_subject, playbook_subject));
  CHECK(story.state.plan_entry == before);
  REQUIRE_FALSE(story.entries.empty());
  CHECK(story.entries.front().index > before);
  CHECK_FALSE(story.playbook.has_value());
  CHECK(render_page(story).has_value());
}

TEST_CASE("a rollout that was never started has no story") {
  ListedJournal empty;
  const auto story = read_story(empty, rollout_subject, playbook_subject);
  REQUIRE_FALSE(story.has_value());
  CHECK(story.error().kind == ErrorKind::invalid);
}

TEST_CASE("a state that names a stage the plan lacks is refused, not drawn") {
  Bad bad;
  bad.state.stage = 7;
  bad.record("rollout.exposed", {bad.state, {}}, {});
  const Story story = must(read_story(bad.journal, rollout_subject, playbook_subject));
  CHECK(render_page(story).error().kind == ErrorKind::verification);
}

TEST_CASE("text is escaped for elements and attributes, controls become U+FFFD") {
  CHECK(escape_html("a<b>&\"'c\n\td") == "a&lt;b&gt;&amp;&quot;&#39;c\n\td");
  CHECK(escape_html(std::string_view("\x00\x1b", 2)) == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(escape_html("☃") == "☃");
}

TEST_CASE("a plot without a finite point says so") {
  const double nan = std::nan("");
  const double endless = std::numeric_limits<double>::infinity();
  CHECK(holds(svg_plot({"<t>", "s", {}, {}, {}, "number"}), "&lt;t&gt;: no data"));
  CHECK(holds(svg_plot({"t", "s", {{"a", "worse", {{1, nan}, {endless, 1}}}}, {}, {}, "odds"}), "no data"));
}

TEST_CASE("points that are not finite are left out, the others drawn") {
  const Plot plot{"t",
                  "s",
                  {{"a", "worse", {{0, 1}, {1, std::nan("")}, {2, 3}, {3, -INFINITY}}}},
                  {{2.5, "fail", "worse"}},
                  {{1, "5%"}, {99, "outside"}},
                  "odds"};
  const std::string svg = svg_plot(plot);
  CHECK_FALSE(holds(svg, "nan"));
  CHECK_FALSE(holds(svg, "inf"));
  CHECK_FALSE(holds(svg, "outside"));
  CHECK(holds(svg, "5%"));
  const auto points = svg.substr(svg.find("points=\""));
  CHECK(count_of(points.substr(0, points.find("/>")), ",") == 2);
}

TEST_CASE("one point, equal points, and points far from zero make a small plot") {
  for (const double x : {0.0, 13.0, 20'000.0, 1e6, 1e15})
    for (const double y : {0.0, 1e-300, 0.02, 3'000.0, 1e300})
      for (const char* format : {"number", "percent", "odds"}) {
        CAPTURE(x);
        CAPTURE(y);
        CAPTURE(format);
        for (const auto& points :
             {std::vector<std::pair<double, double>>{{x, y}}, {{x, y}, {x, y}}, {{x, y}, {x + 1, -y}}}) {
          const std::string svg = svg_plot({"t", "s", {{"a", "good", points}}, {}, {}, format});
          CHECK(holds(svg, "<polyline"));
          CHECK_FALSE(holds(svg, "nan"));
          CHECK(svg.size() < 8'000);
        }
      }
}
