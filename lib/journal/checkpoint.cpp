#include "journal/checkpoint.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::journal {

std::string to_text(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size,
                     to_base64(crypto::as_bytes(checkpoint.root)));
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto bad = [](std::string_view what) {
    return fail_hint(
        ErrorKind::verification,
        "the journal's checkpoint was written by another tool or was changed; compare it with a copy",
        "checkpoint: {}", what);
  };
  if (text.size() > max_checkpoint_bytes) return bad("too large");
  if (!text.ends_with('\n')) return bad("its last line has no end");
  const auto lines = split(text.substr(0, text.size() - 1), '\n');
  if (lines.size() < 3) return bad("needs three lines: origin, size, root");
  if (std::ranges::any_of(lines, [](std::string_view line) { return line.empty(); }))
    return bad("has an empty line");
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  const auto size = parse_u64(lines[1]);
  if (!size || std::to_string(*size) != lines[1] || *size > max_size)
    return bad("size '" + printable(lines[1], 40) + "' is no number of entries");
  checkpoint.size = *size;
  const auto root = from_base64(lines[2]);
  if (!root || root->size() != hash_bytes)
    return bad("root '" + printable(lines[2], 60) + "' is no SHA-256 in base64");
  checkpoint.root = hashes_from(*root, 1)[0];
  return checkpoint;
}

Result<> check_origin(std::string_view origin) {
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f && c != '+'; };
  if (origin.empty() || origin.size() > 256 || !std::ranges::all_of(origin, fits))
    return fail_hint(ErrorKind::invalid, "use 1 to 256 printable ASCII characters without blanks and '+'",
                     "'{}' cannot name a journal", printable(origin));
  return {};
}

}  // namespace tranche::journal
