#include "report/report.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/html.hpp"
#include "base/text.hpp"
#include "report/html.hpp"
#include "rollout/explain.hpp"

namespace tranche::report {
namespace {

constexpr std::string_view style = R"(
:root{--ink:#1b1f24;--soft:#59636e;--page:#fff;--line:#d8dee4;--good:#1a7f37;--bad:#c93c37;--warn:#9a6700;--one:#0969da;--two:#8250df}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--page:#0d1117;--line:#30363d;--good:#3fb950;--bad:#f85149;--warn:#d29922;--one:#58a6ff;--two:#bc8cff}}
*{box-sizing:border-box}body{margin:2rem auto;padding:0 1rem;max-width:58rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}.tight{white-space:nowrap}.quiet,td.quiet{color:var(--soft)}
.phase{display:inline-block;padding:.1rem .6rem;border-radius:1rem;border:1px solid currentColor;font-size:.9rem}
.done,.pass,.good{color:var(--good)}.rolled-back,.stranded,.fail,.failed,.worse{color:var(--bad)}.baking,.held,.paused,.rolling-back,.suspect,.unknown{color:var(--warn)}
table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600}figure{margin:1rem 0}figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto;display:block}
.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:2 4}.tick{font-size:11px;fill:var(--soft)}
.line{fill:none;stroke-width:2}.line.worse{stroke:var(--bad)}.line.good{stroke:var(--good)}.line.canary{stroke:var(--one)}.line.control{stroke:var(--two)}
.level{stroke-dasharray:6 4}.level.worse{stroke:var(--bad)}.level.good{stroke:var(--good)}.tick.worse{fill:var(--bad)}.tick.good{fill:var(--good)}
.legend{margin:.2rem 0 0;font-size:.85rem}.key::before{content:"";display:inline-block;width:1.2em;height:.2em;margin:0 .4em .25em .6em;background:currentColor}
.key.canary{color:var(--one)}.key.control{color:var(--two)}code,pre{font:13px/1.4 ui-monospace,monospace}pre{overflow-x:auto;padding:.8rem;border:1px solid var(--line);border-radius:.4rem}
)";

// Where each gate stood at each tick.
struct Point {
  double seconds = 0;
  rollout::GateMemory memory;
};
struct Track {
  std::map<std::string, std::vector<Point>> gates;
  std::vector<Mark> stages;
};

Result<Track> read_track(const Story& story) {
  Track track;
  std::size_t last_stage = story.plan.stages.size();
  for (const journal::Entry& entry : story.entries) {
    if (!entry.kind.starts_with("rollout.") || entry.state.is_null()) continue;
    const rollout::State state = TRY(rollout::state_from_value(entry.state));
    if (state.stage >= story.plan.stages.size())
      return fail(ErrorKind::verification, "entry {} names a stage that the plan lacks", entry.index);
    const auto seconds = [&](Instant at) {
      return std::chrono::duration<double>(at - story.state.started).count();
    };
    if (entry.kind == "rollout.exposed" && state.stage != last_stage) {
      last_stage = state.stage;
      track.stages.push_back({seconds(entry.at), story.plan.stages[state.stage].name});
    }
    for (const auto& [name, memory] : state.gates) track.gates[name].push_back({seconds(entry.at), memory});
  }
  return track;
}

std::string fact(std::string_view name, const std::string& value) {
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape_html(name), escape_html(value));
}

std::string facts(const Story& story) {
  const rollout::State& state = story.state;
  std::string out = "<table>\n";
  if (story.plan.channel.empty())
    out += fact("app, service",
                story.plan.app + ", " + story.plan.rollout + " " + rollout::carrier_text(story.plan.spec()));
  else
    out += fact("app, channel", story.plan.app + ", " + story.plan.channel);
  out += fact("release", state.release);
  out += fact("fallback", story.plan.baseline.empty() ? "none" : story.plan.baseline);
  out += fact("started", to_text(state.started));
  if (state.detected)
    out += fact("rollback decided",
                fmt::format("{} ({:.1f} s after the start)", to_text(*state.detected),
                            std::chrono::duration<double>(*state.detected - state.started).count()));
  if (state.finished) out += fact("finished", to_text(*state.finished));
  out += fact("plan", state.plan_digest);
  return out + "</table>\n";
}

std::string stages_table(const Story& story) {
  std::string out = "<table>\n<tr><th>stage</th><th>reaches</th><th>bake</th><th>gates</th><th></th></tr>\n";
  for (std::size_t i = 0; i < story.plan.stages.size(); ++i) {
    const rollout::PlannedStage& stage = story.plan.stages[i];
    const bool reached =
        i < story.state.stage || (i == story.state.stage && story.state.stage_since != Instant{});
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"quiet\">{}</td></tr>\n",
                       escape_html(stage.name), escape_html(rollout::reach_text(story.plan, i)),
                       to_text(stage.bake), escape_html(join(stage.gates, ", ")),
                       reached ? "reached" : "not reached");
  }
  return out + "</table>\n";
}

double rate(const gate::ArmCounts& counts) {
  return counts.exposure > 0 ? counts.events / counts.exposure : std::nan("");
}

std::string rate_text(const gate::ArmCounts& counts) {
  return counts.exposure > 0 ? fmt::format("{:.3f}%", rate(counts) * 100) : "none yet";
}

// How many times worse, with the interval that holds at every look. Cut where it would hide the rest.
std::string ratio_plot(const spec::Gate& gate, const std::vector<Point>& points,
                       const std::vector<Mark>& stages) {
  constexpr double most = 8;
  Plot plot{"How many times the control's, with its 95% interval at every look",
            "s",
            {{"ratio", "canary", {}}, {"at least", "worse", {}}, {"at most", "good", {}}},
            {{gate.worse_than, "worse than", "worse"}, {gate.margin, "margin", "good"}},
            stages,
            "number"};
  for (const Point& point : points) {
    if (!std::isfinite(point.memory.ratio)) continue;
    plot.series[0].points.emplace_back(point.seconds, std::min(most, point.memory.ratio));
    if (!(point.memory.ratio_low > 0)) continue;
    plot.series[1].points.emplace_back(point.seconds, std::min(most, point.memory.ratio_low));
    plot.series[2].points.emplace_back(point.seconds, std::min(most, point.memory.ratio_high));
  }
  return plot.series[0].points.size() < 2 ? std::string() : svg_plot(plot);
}

std::string gate_section(const std::string& name, const spec::Gate& gate, const std::vector<Point>& points,
                         const std::vector<Mark>& stages) {
  const rollout::GateMemory& last = points.back().memory;
  std::string out =
      fmt::format("<h2>Gate {} <span class=\"phase {}\">{}</span></h2>\n<p>{}</p>\n", escape_html(name),
                  gate::to_text(last.verdict), gate::to_text(last.verdict), escape_html(last.explanation));
  if (const std::string ratio = rollout::ratio_text(last, gate); !ratio.empty())
    out += "<p>In short: " + escape_html(ratio) + ".</p>\n";
  if (gate.kind != spec::Gate::Kind::compare) return out;
  Plot evidence{
      "Evidence, as odds against the opposite",
      "s",
      {{"it is worse", "worse", {}}, {"it is not worse than the margin", "good", {}}},
      {{-std::log(gate.false_rollback), "fail", "worse"}, {-std::log(gate.false_promotion), "pass", "good"}},
      stages,
      "odds"};
  Plot rates{"Rate of events so far, a session",
             "s",
             {{"canary", "canary", {}}, {"control", "control", {}}},
             {},
             stages,
             "percent"};
  for (const Point& point : points) {
    evidence.series[0].points.emplace_back(point.seconds, point.memory.log_evidence_worse);
    evidence.series[1].points.emplace_back(point.seconds, point.memory.log_evidence_not_worse);
    const gate::Totals seen = gate::totals(point.memory.process);
    rates.series[0].points.emplace_back(point.seconds, rate(seen.canary));
    rates.series[1].points.emplace_back(point.seconds, rate(seen.control));
  }
  out += ratio_plot(gate, points, stages) + svg_plot(evidence) + svg_plot(rates);
  const gate::Totals total = gate::totals(last.process);
  out += fmt::format(
      "<table><tr><th></th><th>events</th><th>exposure</th><th>rate</th></tr>\n"
      "<tr><td>canary</td><td>{:.0f}</td><td>{:.0f}</td><td>{}</td></tr>\n"
      "<tr><td>control</td><td>{:.0f}</td><td>{:.0f}</td><td>{}</td></tr></table>\n",
      total.canary.events, total.canary.exposure, rate_text(total.canary), total.control.events,
      total.control.exposure, rate_text(total.control));
  out += fmt::format(
      "<p class=\"quiet\">Source {}; events <code>{}</code>, exposure <code>{}</code>; {} gaps.</p>\n",
      escape_html(gate.source), escape_html(gate.events), escape_html(gate.exposure), last.gaps);
  return out;
}

std::string playbook_section(const playbook::Run& run) {
  std::string out = fmt::format("<h2>Playbook {}</h2>\n<table>\n", escape_html(run.playbook));
  for (const playbook::StepRecord& step : run.steps)
    out +=
        fmt::format("<tr><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>\n", escape_html(step.id),
                    playbook::to_text(step.status), playbook::to_text(step.status), escape_html(step.detail));
  return out + "</table>\n";
}

std::string decisions_section(const Story& story) {
  std::string out =
      "<h2>Decisions</h2>\n<table>\n<tr><th>entry</th><th>when</th><th>who</th><th>what</th></tr>\n";
  for (const journal::Entry& entry : story.entries) {
    std::vector<std::string> what;
    if (const doc::Value* decisions = entry.data.find("decisions");
        decisions != nullptr && decisions->is_array())
      for (const doc::Value& decision : decisions->as_array())
        if (decision.is_string()) what.push_back(escape_html(printable(decision.as_string(), 400)));
    if (!entry.reason.empty())
      what.push_back("<span class=\"quiet\">reason: " + escape_html(printable(entry.reason, 400)) +
                     "</span>");
    if (what.empty()) continue;
    out +=
        fmt::format("<tr><td class=\"tight\">{}</td><td class=\"tight\">{}</td><td>{}</td><td>{}</td></tr>\n",
                    entry.index, to_text(entry.at), escape_html(entry.by), join(what, "<br>"));
  }
  return out + "</table>\n";
}

}  // namespace

Result<Story> read_story(journal::Journal& journal, const std::string& rollout_subject,
                         const std::string& playbook_subject) {
  const auto latest = TRY(journal.latest(rollout_subject));
  if (!latest)
    return fail_hint(ErrorKind::invalid, "tranche rollout start", "'{}' was never started", rollout_subject);
  Story story;
  story.state = TRY(rollout::state_from_value(latest->state));
  constexpr std::uint64_t piece = 1'024;
  for (std::uint64_t from = story.state.plan_entry; from < journal.size(); from += piece) {
    for (journal::Entry& entry : TRY(journal.read(from, std::min(from + piece, journal.size())))) {
      if (entry.index == story.state.plan_entry) story.plan = TRY(rollout::plan_from_value(entry.data));
      if (entry.subject == rollout_subject || entry.subject == playbook_subject)
        story.entries.push_back(std::move(entry));
    }
  }
  if (story.plan.stages.empty())
    return fail(ErrorKind::verification, "the journal lacks entry {}, the plan", story.state.plan_entry);
  if (const auto entry = TRY(journal.latest(playbook_subject));
      entry && entry->index > story.state.plan_entry)
    story.playbook = TRY(playbook::run_from_value(entry->state));
  return story;
}

Result<std::string> render_page(const Story& story) {
  const Track track = TRY(read_track(story));
  const std::string phase(rollout::to_text(story.state.phase));
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<title>{0} {1}: {2}</title>\n<style>{3}</style></head><body>\n"
      "<h1>{0} {1} <span class=\"phase {2}\">{2}</span></h1>\n<p>{4}</p>\n",
      escape_html(story.state.rollout), escape_html(story.state.release), phase, style,
      escape_html(story.state.because));
  page += facts(story) + "<h2>Stages</h2>\n" + stages_table(story);
  for (const auto& [name, points] : track.gates)
    if (const spec::Gate* gate = story.plan.config.gate(name))
      page += gate_section(name, *gate, points, track.stages);
  if (story.playbook) page += playbook_section(*story.playbook);
  page += decisions_section(story);
  if (!story.checkpoint.empty())
    page += "<h2>Journal</h2>\n<pre>" + escape_html(story.checkpoint) + "</pre>\n";
  return page + "</body></html>\n";
}

}  // namespace tranche::report
