#include "journal/tlog_proof.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/merkle.hpp"
#include "signing/note.hpp"

namespace tranche::journal {

namespace {

constexpr std::string_view first_line = "c2sp.org/tlog-proof@v1";
constexpr std::size_t max_hashes = 63;
constexpr auto broken = ErrorKind::verification;

std::unexpected<Error> bad(std::string_view what) {
  return fail_hint(broken, "make it anew: tranche journal prove", "not a proof about a log: {}", what);
}

// The next line without its end; nullopt when none ends any more.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == rest.npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

Result<std::uint64_t> number_of(std::string_view text) {
  const auto number = parse_u64(text);
  if (!number || std::to_string(*number) != text) return bad("'" + printable(text, 40) + "' is no number");
  return *number;
}

// Lines of hashes up to an empty one; something must follow.
Result<> take_hashes(std::string_view& rest, std::vector<Hash>& hashes) {
  while (true) {
    const auto line = take_line(rest);
    if (!line) return bad("it ends before the checkpoint");
    if (line->empty()) break;
    if (hashes.size() == max_hashes) return bad("it has more than 63 hashes");
    const auto hash = from_base64(*line);
    if (!hash || hash->size() != hash_bytes)
      return bad("'" + printable(*line, 60) + "' is no SHA-256 in base64");
    hashes.push_back(hashes_from(*hash, 1)[0]);
  }
  if (rest.empty()) return bad("it holds no checkpoint");
  return {};
}

}  // namespace

std::string to_text(const TlogProof& proof) {
  std::string text = fmt::format("{}\n", first_line);
  if (!proof.extra.empty()) text += fmt::format("extra {}\n", to_base64(proof.extra));
  text += fmt::format("index {}\n", proof.index);
  for (const Hash& hash : proof.hashes) text += to_base64(crypto::as_bytes(hash)) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > max_tlog_proof_bytes) return bad("it is too large");
  std::string_view rest = text;
  if (take_line(rest) != first_line) return bad("its first line is not '" + std::string(first_line) + "'");
  TlogProof proof;
  auto line = take_line(rest);
  if (line && line->starts_with("extra ")) {
    auto extra = from_base64(line->substr(6));
    if (!extra || extra->empty()) return bad("its extra line is no base64");
    proof.extra = std::move(*extra);
    line = take_line(rest);
  }
  if (!line || !line->starts_with("index ")) return bad("it names no index");
  proof.index = TRY(number_of(line->substr(6)));
  TRY(take_hashes(rest, proof.hashes));
  proof.checkpoint = rest;
  return proof;
}

std::string to_text(const GrowthProof& proof) {
  std::string text = fmt::format("old {}\n", proof.old_size);
  for (const Hash& hash : proof.hashes) text += to_base64(crypto::as_bytes(hash)) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<GrowthProof> parse_growth_proof(std::string_view text) {
  if (text.size() > max_tlog_proof_bytes) return bad("it is too large");
  std::string_view rest = text;
  const auto line = take_line(rest);
  if (!line || !line->starts_with("old ")) return bad("it names no old size");
  GrowthProof proof;
  proof.old_size = TRY(number_of(line->substr(4)));
  TRY(take_hashes(rest, proof.hashes));
  proof.checkpoint = rest;
  return proof;
}

Result<Checkpoint> check_tlog_proof(const TlogProof& proof, std::string_view entry, const std::string& origin,
                                    std::span<const crypto::PublicKey> keys) {
  const std::string text =
      TRY_WHILE("checking the proof's checkpoint", signing::open_note(proof.checkpoint, origin, keys));
  const Checkpoint checkpoint = TRY(parse_checkpoint(text));
  if (checkpoint.origin != origin)
    return fail_hint(broken, "ask for the proof of an entry of your own log",
                     "the proof is of the log '{}', not of '{}'", printable(checkpoint.origin), origin);
  if (auto shown = crypto::verify_inclusion(hash_leaf(entry), proof.index, checkpoint.size, proof.hashes,
                                            checkpoint.root);
      !shown)
    return fail_hint(broken, "the entry, its index or the proof was changed: ask for both anew",
                     "entry {} is not in the log as given: {}", proof.index, shown.error().message);
  return checkpoint;
}

}  // namespace tranche::journal
