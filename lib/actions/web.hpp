// One web service that a step talks to: bounded answers, errors that name the service and never a secret, and
// one rule for refusals. 408, 425, 429, 5xx, a rate limit and a broken network may pass (kind failed: a retry
// may help); all other answers will not (kind denied).
//
// Secrets that were read through a Service are taken out of every message it makes, whoever wrote it: curl
// names addresses, and some servers repeat what they were sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actions/action.hpp"
#include "base/secret.hpp"
#include "doc/value.hpp"

namespace tranche::actions::web {

// A service that asks to be left alone for longer is not waited for: the step fails and is retried as `retry`
// says. GitHub's limits end within the hour.
inline constexpr Duration longest_wait = std::chrono::hours(1);
inline constexpr int most_waits = 5;
inline constexpr std::size_t usual_answer = 1 << 20;
inline constexpr std::size_t list_answer = 16 << 20;  // a page of issues with their texts

struct Answer {
  int status = 0;
  std::string body;
  doc::Value json;               // null when the body is no JSON
  std::optional<Duration> wait;  // how long it asks us to stay away
  [[nodiscard]] bool ok() const { return status >= 200 && status <= 299; }
};

class Service {
 public:
  // `name` for messages: "GitHub". `base`: its address; paths are put behind it. Deck and call outlive it.
  Service(Deck& deck, const Call& call, std::string name, std::string base);
  // The address itself is the secret (a webhook): no message shows it.
  static Service behind_secret(Deck& deck, const Call& call, std::string name, const Secret& base);

  // The value of a secret reference, kept out of all messages from here on.
  Result<Secret> read_secret(const std::string& reference);
  void hide(const Secret& secret);
  void add_header(std::string name, std::string value);
  void add_secret_header(std::string name, const Secret& value);

  // Any status is an answer. Error, kind failed: none came, it was too large, or the attempt's time is over.
  Result<Answer> ask(std::string_view path, std::size_t max_bytes = usual_answer);  // GET
  Result<Answer> send(std::string_view method, std::string_view path);
  Result<Answer> send(std::string_view method, std::string_view path, const doc::Value& body,
                      std::string_view content_type = "application/json");
  Result<Answer> send_bytes(std::string_view method, std::string_view path, std::string body,
                            std::string_view content_type, std::size_t max_bytes = usual_answer);

  // For an answer that is not what was hoped for. `doing`: "to open the issue". `hint` may be empty.
  Error refusal(const Answer& answer, std::string_view doing, std::string hint = {});
  // For an answer whose status is good and whose content is not.
  [[nodiscard]] Error unreadable(std::string_view what) const;
  // The server's own words, one line, without secrets; empty when it said nothing.
  [[nodiscard]] std::string words_of(const Answer& answer) const;
  // The end of a `perform` that may be repeated at any time (nobody journals each try of a step that waits):
  // where the service asked for patience, the step waits instead of failing; but not
  // for longer than longest_wait, nor more often than most_waits (counted in the outcome's facts).
  Result<Outcome> ended(Result<Outcome> outcome);

  [[nodiscard]] std::string without_secrets(std::string text) const;

 private:
  [[nodiscard]] std::string shown() const;  // "GitHub (https://api.github.com)"

  Deck& deck_;
  const Call& call_;
  std::string name_, base_;
  bool secret_address_ = false;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<std::pair<std::string, Secret>> secret_headers_;
  std::vector<Secret> hidden_;
  std::optional<Duration> wait_;
};

// ---- what steps say in `with`

// Text with $variables filled in.
Result<std::string> argument(const Call& call, std::string_view key);
Result<std::string> argument_or(const Call& call, std::string_view key, std::string_view fallback);
// One text or a list of them; absent: none.
Result<std::vector<std::string>> arguments(const Call& call, std::string_view key);
// An address without its slashes at the end.
Result<std::string> address_or(const Call& call, std::string_view key, std::string_view fallback);

// An address for messages: without query and fragment, where tokens are often kept.
std::string shown_address(std::string_view url);
std::string form_encode(const std::vector<std::pair<std::string, std::string>>& form);
// Text in a member, as it came; empty without one.
std::string text_in(const doc::Value& object, std::string_view key);

}  // namespace tranche::actions::web
