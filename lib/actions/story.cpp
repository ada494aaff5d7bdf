#include "actions/story.hpp"

#include <algorithm>

#include "actions/web.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "rollout/explain.hpp"
#include "rollout/state.hpp"

namespace tranche::actions {
namespace {

constexpr std::size_t longest_line = 600;
constexpr std::size_t most_gate_lines = 40;
// GitHub takes 65,536 characters.
constexpr std::size_t longest_part = 16'000;

std::string title_of(const rollout::Plan& plan, const std::optional<rollout::State>& state) {
  const std::string release = fmt::format("Release {} of {}", plan.release, plan.app);
  if (!state) return release + " needs somebody";
  switch (state->phase) {
    case rollout::Phase::rolling_back:
    case rollout::Phase::rolled_back:
      return release + " was taken back";
    case rollout::Phase::stranded:
      return release + " was taken back, and devices are stranded";
    case rollout::Phase::done:
      return release + " is out";
    case rollout::Phase::paused:
      return release + " is paused";
    default:
      return release + (state->suspect ? " is suspect and grows no more" : " waits for somebody");
  }
}

// A fence that nothing inside can close.
std::string code_block(const std::string& text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return fmt::format("{}text\n{}\n{}\n", fence, replace_all(text, "<!--", "< !--"), fence);
}

std::string code_span(const std::string& text) { return "`" + replace_all(text, "`", "'") + "`"; }

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool punctuation =
        (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
    if (punctuation) out += '\\';
    out += c;
    // Mentions and references are looked for in the text after its escapes are gone: a word joiner
    // (U+2060) keeps them apart from their names.
    if (c == '@' || c == '#' || c == '!') out += "\u2060";
  }
  return out;
}

std::string escape_slack(std::string_view text) {
  std::string out(text);
  out = replace_all(std::move(out), "&", "&amp;");
  out = replace_all(std::move(out), "<", "&lt;");
  return replace_all(std::move(out), ">", "&gt;");
}

std::string fill_escaped(const std::string& text, const Call& call, std::string (*escape)(std::string_view)) {
  Call escaped = call;
  escaped.cause.reason = escape(printable(call.cause.reason, longest_line));
  return fill_variables(text, escaped);
}

}  // namespace

Story tell_story(Deck& deck, const Call& call) {
  const rollout::Plan& plan = call.plan;
  Story story;
  std::optional<rollout::State> state;
  if (auto entry = deck.journal().latest(deck.rollout_subject(plan.rollout)); entry && *entry) {
    if (auto read = rollout::state_from_value((*entry)->state); read && read->id == call.rollout_id) {
      state = std::move(*read);
      story.entry = (*entry)->index;
    }
  }
  story.title = title_of(plan, state);
  story.where = fmt::format("rollout '{}'", plan.rollout);
  if (!plan.channel.empty()) story.where += fmt::format(" on channel '{}'", plan.channel);
  if (state && state->stage < plan.stages.size())
    story.where = fmt::format("stage '{}' of {}", plan.stages[state->stage].name, story.where);
  story.why = printable(call.cause.reason, longest_line);
  if (story.why.empty()) story.why = "no reason was given";
  if (state)
    for (const auto& [name, memory] : state->gates) {
      const spec::Gate* gate = plan.config.gate(name);
      if (gate == nullptr || story.gates.size() >= most_gate_lines) continue;
      for (const std::string& line : rollout::explain(name, memory, *gate))
        story.gates.push_back(printable(line, longest_line));
    }
  story.next = {"tranche rollout status " + plan.rollout, "tranche rollout history " + plan.rollout};
  for (const auto& [name, memory] : state ? state->gates : std::map<std::string, rollout::GateMemory>{}) {
    const spec::Gate* gate = plan.config.gate(name);
    if (gate != nullptr && gate->kind == spec::Gate::Kind::compare && !gate->source.empty()) {
      story.next.push_back(
          fmt::format("tranche gate replay {} --source {} --releases last-10", name, gate->source));
      break;
    }
  }
  return story;
}

std::string to_line(const Story& story) {
  return fmt::format("{}: {} ({})", story.title, story.why, story.where);
}

std::string to_markdown(const Story& story, const Call& call, const std::string& marker) {
  std::string out = fmt::format("{}, at {}.\n\n", story.title, story.where);
  out += "### Why\n" + code_block(cut_text(story.why, longest_part));
  if (!story.gates.empty())
    out += "\n### What the gates saw\n" + code_block(cut_text(join(story.gates, "\n"), longest_part));
  out += "\n### What to do next\n";
  if (call.plan.fallback.empty() && call.plan.baseline.empty())
    out += "- There is no release to go back to: prepare one.\n";
  else
    out += fmt::format("- Devices go back to {}; see that they arrive there.\n",
                       code_span(call.plan.fallback.empty() ? call.plan.baseline : call.plan.fallback));
  out +=
      fmt::format("- Find the cause in {}, and release it under a new version: {} is never offered again.\n",
                  code_span(call.plan.release), code_span(call.plan.release));
  out += "\n### Look at it again\n";
  for (const std::string& command : story.next) out += fmt::format("- {}\n", code_span(command));
  if (story.entry) out += fmt::format("- Entry {} of the journal decided it.\n", *story.entry);
  return out + "\n" + marker + "\n";
}

std::string issue_marker(const Call& call) {
  const std::string whole = call.plan.app + "/" + call.rollout_id;
  std::string id;
  for (const std::string_view part : split(whole, '/')) id += (id.empty() ? "" : "/") + percent_encode(part);
  return "<!-- tranche:" + replace_all(std::move(id), "--", "-%2D") + " -->";
}

bool has_marker(std::string_view text, std::string_view marker) {
  const auto lines = split(text, '\n');
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) { return trim(line) == marker; });
}

std::string fill_markdown(const std::string& text, const Call& call) {
  return fill_escaped(text, call, escape_markdown);
}

std::string fill_slack(const std::string& text, const Call& call) {
  return fill_escaped(text, call, [](std::string_view value) { return escape_slack(value); });
}

std::string cut_text(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  // Bytes 10xxxxxx go on with a character that began before them.
  while (most_bytes > 0 && (static_cast<unsigned char>(text[most_bytes]) & 0xC0U) == 0x80U) --most_bytes;
  return std::string(text.substr(0, most_bytes));
}

Result<IssueText> issue_text(Deck& deck, const Call& call, std::size_t longest_title,
                             std::size_t longest_body) {
  const Story story = tell_story(deck, call);
  std::string title = TRY(web::argument_or(call, "title", ""));
  if (title.empty()) title = story.title;
  const std::string written = TRY(call.step.with.text_or("body", ""));
  const std::string marker = issue_marker(call);
  std::string body = written.empty()
                         ? to_markdown(story, call, marker)
                         : cut_text(fill_markdown(written, call), longest_body) + "\n\n" + marker + "\n";
  return IssueText{printable(title, longest_title), std::move(body)};
}

Instant begin_of_rollout(Deck& deck, const Call& call) {
  const auto slash = call.rollout_id.rfind('/');
  const auto index =
      parse_u64(std::string_view(call.rollout_id).substr(slash == std::string::npos ? 0 : slash + 1));
  if (!index || *index >= deck.journal().size()) return Instant{};
  const auto entries = deck.journal().read(*index, *index + 1);
  if (!entries || entries->size() != 1) return Instant{};
  return entries->front().at - std::chrono::hours(24);
}

}  // namespace tranche::actions
