// What people are told of a rollout, by whatever way: what happened, why, what the gates saw, what to do
// next. One text for issues, incidents and chats, so that they never contradict each other.
//
// Reasons come from metrics, programs and models: in Markdown they stand in code, where they can neither
// mention anybody nor format, close or hide anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.hpp"

namespace tranche::actions {

struct Story {
  std::string title;                   // "Release 1.2.0 of notes-agent was taken back"
  std::string where;                   // "stage '5%' of rollout 'desktop' on channel 'stable'"
  std::string why;                     // one line
  std::vector<std::string> gates;      // what they saw, a sentence a line
  std::vector<std::string> next;       // commands
  std::optional<std::uint64_t> entry;  // of the journal, that says so
};

// Of what the journal says now. What it does not say is left out: telling is never refused.
Story tell_story(Deck& deck, const Call& call);

std::string to_line(const Story& story);  // for chats and pagers
// GitHub's and GitLab's Markdown; `marker` is the last line.
std::string to_markdown(const Story& story, const Call& call, const std::string& marker);

// "<!-- tranche:notes-agent/desktop/1.2.0/17 -->": in an issue's text, unseen, a line of its own.
std::string issue_marker(const Call& call);
bool has_marker(std::string_view text, std::string_view marker);

// A step's text with $variables filled in; what they stand for cannot act as Markdown.
std::string fill_markdown(const std::string& text, const Call& call);
// The same for Slack's: & < and > (docs.slack.dev, "Escaping text").
std::string fill_slack(const std::string& text, const Call& call);

// The first bytes of a text, no character cut in two.
std::string cut_text(std::string_view text, std::size_t most_bytes);

// An issue as the step words it, else as the story tells it; the marker is the last line of its body.
struct IssueText {
  std::string title, body;
};
Result<IssueText> issue_text(Deck& deck, const Call& call, std::size_t longest_title,
                             std::size_t longest_body);

// When the rollout began, less a day for clocks that differ; the epoch when the journal does not say.
Instant begin_of_rollout(Deck& deck, const Call& call);

}  // namespace tranche::actions
