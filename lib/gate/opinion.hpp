// What a language model thinks of the logs of both arms, and how little that may do. PURE.
//
// A log is text that strangers write, so everything here distrusts it. Excerpts are bounded, cleaned of
// control and invisible characters and of secrets; in the prompt every line of data carries a mark in front,
// so no line can look like one of ours; the request has a nonce that no log can know, and an answer without
// it does not count. A model that obeys the log in spite of that is found by a control question: "not worse"
// is believed only of a judge that sees a fault planted in the same excerpts, "worse" takes a release back
// only when the same judge does not say it of the arms exchanged.
//
//   opinion                                    verdict
//   no log of an arm                           no-data
//   no opinion (late, garbled, refused, ...)   inconclusive
//   unsure, or less sure than `confidence`     inconclusive
//   worse                                      suspect; fail with worse_fails and a confirmed control
//   question not worse, control question confirmed      pass: no objection. It never promotes alone (the
//   stage's rule) not worse otherwise                        inconclusive
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

// ---- Excerpts --------------------------------------------------------------------------------------------

struct Redaction {
  // Without * ? [ literal text, found anywhere; else a glob of whole words (* crosses '/').
  std::vector<std::string> patterns;
  bool addresses = false;  // IPv4 and IPv6
};
struct ExcerptConfig {
  std::size_t max_bytes = 64 << 10;  // of all lines, marks and counts included
  std::size_t max_line = 512;        // a longer line is cut
  Redaction redaction;
};
struct ExcerptLine {
  std::string text;        // valid UTF-8 without control, invisible or direction characters
  std::int64_t count = 1;  // lines of this shape in the log: numbers of six digits and more, long hex and
                           // times count as equal; `text` is the newest of them
};
struct Excerpt {
  std::vector<ExcerptLine> lines;  // oldest first
  std::int64_t seen = 0;           // lines of the log that were not blank
  std::int64_t left_out = 0;       // of those: not in the excerpt, for want of room
  std::int64_t redacted = 0;       // pieces of text replaced by [redacted:KIND]
  [[nodiscard]] bool empty() const { return lines.empty(); }
};
// The newest lines fill three quarters of max_bytes, older ones that speak of trouble the rest, then any.
// `log`: any bytes, oldest line first.
Excerpt make_excerpt(std::string_view log, const ExcerptConfig& config);
// The same text for the same excerpt: what a digest is made of.
std::string to_text(const Excerpt& excerpt);

// One line of hostile bytes made safe to show: see ExcerptLine::text. Not redacted.
std::string clean_text(std::string_view line);
// Secrets of known shapes replaced by [redacted:KIND]: private keys, values of keys named like a secret,
// bearer and basic authorisation, JWTs, tokens of well-known makers, passwords in urls, e-mail addresses,
// payment cards, long random words. Keeps what spans lines (private keys) between calls.
class Redactor {
 public:
  explicit Redactor(Redaction redaction) : redaction_(std::move(redaction)) {}
  std::string redact(std::string line);
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  std::string redact_key_block(std::string line);
  Redaction redaction_;
  std::int64_t count_ = 0;
  int block_lines_ = 0;  // of the private key that this is inside of; 0: none
};

// ---- The question ----------------------------------------------------------------------------------------

struct Question {
  Excerpt canary, control;
  std::string extra;  // of tranche.yaml: what to look for
};
struct Prompt {
  std::string system, user;
};
inline constexpr std::size_t nonce_length = 32;                 // hex digits
inline constexpr int nonces_in_system = 1, nonces_in_user = 4;  // where the nonce stands, and nowhere else
// `nonce`: fresh random hex, lower case. Kind invalid: a nonce of another shape. Kind verification: the data
// or the extra text hold it, so it was not random or not fresh.
Result<Prompt> make_prompt(const Question& question, std::string_view nonce);

enum class ControlQuestion { none, planted, exchanged };
// The same excerpts with a plain fault in the canary's, of a kind that `nonce` picks; lines that the fault
// displaces are left out.
Question plant_fault(Question question, std::string_view nonce, const ExcerptConfig& config);
Question exchange_arms(Question question);

// ---- The answer ------------------------------------------------------------------------------------------

struct Opinion {
  enum class Says { nothing, worse, not_worse, unsure } says = Says::nothing;
  enum class Control { not_asked, confirmed, contradicted, unanswered } control = Control::not_asked;
  int confidence = 0;                // 0..100
  std::vector<std::string> reasons;  // at most 5 of 200 bytes, printable: the model's words, not evidence
  std::string problem;               // says nothing: why
  bool no_data = false;              // says nothing, because an arm has no log
  bool operator==(const Opinion&) const = default;
};
Opinion no_opinion(std::string problem);
Opinion no_log(std::string problem);

// Strict: exactly one object {"nonce","verdict","confidence","reasons"} of at most 16 KiB, with the nonce of
// this request; a ```json fence around it is taken when nothing else is there. All else is no opinion.
Opinion read_answer(std::string_view answer, std::string_view nonce);

struct OpinionConfig {
  int confidence = 80;       // percent
  bool worse_fails = false;  // a confident, confirmed "worse" fails the gate
};
// What has to be asked before the opinion may pass or fail.
ControlQuestion control_question(const Opinion& opinion, const OpinionConfig& config);
// Adds what the same judge said to the control question.
void apply_control(Opinion& opinion, ControlQuestion asked, const Opinion& answer);

struct OpinionJudgement {
  Verdict verdict = Verdict::no_data;
  std::string explanation;
};
OpinionJudgement judge(const Opinion& opinion, const OpinionConfig& config);

// ---- Memory ----------------------------------------------------------------------------------------------

// What the journal keeps: never log text, only digests, counts and the bounded opinion.
struct OpinionMemory {
  Opinion last;
  std::string canary_digest, control_digest;  // SHA-256 in hex of to_text(excerpt); empty: never asked
  Instant asked_at{};                         // when the model was last asked, or could not be
  Instant canary_since{};                     // since when the canary's excerpt is what it is
  std::int64_t asked = 0;                     // requests' worth of opinions, control questions apart
  std::int64_t unchanged = 0;                 // times that the excerpts were those of the last opinion
  std::int64_t without = 0;                   // times that no opinion came
  std::int64_t canary_lines = 0, control_lines = 0, redacted = 0;  // of the last excerpts
  bool operator==(const OpinionMemory&) const = default;
};
doc::Value to_value(const OpinionMemory& memory);
// Kind invalid: not what to_value writes, or beyond its bounds.
Result<OpinionMemory> opinion_memory_from_value(const doc::Value& value);

}  // namespace tranche::gate
