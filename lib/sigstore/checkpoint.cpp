#include "sigstore/checkpoint.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::sigstore {
namespace {

constexpr std::string_view dash = "\u2014 ";
constexpr std::size_t max_signatures = 64;

std::unexpected<Refusal> bad(std::string detail) {
  return std::unexpected(Refusal{Reason::bad_checkpoint, std::move(detail)});
}

bool is_origin_of(std::string_view origin, std::string_view name) {
  return origin == name || (origin.starts_with(name) && origin.substr(name.size()).starts_with(" - "));
}

// A log at https://rekor.example:3000/x may call itself by the host, the host and port, or all of it.
bool is_name_of(std::string_view name, const TransparencyLog& log) {
  if (log.base_url.empty()) return true;
  const std::string host = host_of(log.base_url);
  std::string_view whole = log.base_url;
  if (const auto scheme = whole.find("://"); scheme != std::string_view::npos)
    whole.remove_prefix(scheme + 3);
  while (whole.ends_with('/')) whole.remove_suffix(1);
  return name == host || name == whole || name == std::string_view(host).substr(0, host.rfind(':'));
}

}  // namespace

Checked<Checkpoint> read_checkpoint(std::string_view envelope) {
  if (envelope.size() > max_checkpoint_bytes)
    return bad(fmt::format("the checkpoint has {} bytes, at most {} are read", envelope.size(),
                           max_checkpoint_bytes));
  const auto end = envelope.rfind("\n\n");
  if (end == std::string_view::npos) return bad("the checkpoint has no empty line before its signatures");
  Checkpoint read{.text = std::string(envelope.substr(0, end + 1))};
  const auto lines = split(std::string_view(read.text).substr(0, end), '\n');
  if (lines.size() < 3) return bad("the checkpoint needs the lines origin, size and root");
  read.origin = lines[0];
  if (read.origin.empty()) return bad("the checkpoint names no origin");
  const auto size = parse_u64(lines[1]);
  if (!size)
    return bad(fmt::format("the checkpoint's second line is no tree size: {}", printable(lines[1], 60)));
  read.size = *size;
  auto root = from_base64(lines[2]);
  if (!root || root->size() != 32) return bad("the checkpoint's third line is no root hash");
  read.root = std::move(*root);
  for (std::size_t i = 3; i < lines.size(); ++i)
    if (lines[i].empty()) return bad("the checkpoint's text has an empty line");
  std::string_view rest = envelope.substr(end + 2);
  while (!rest.empty()) {
    const auto newline = rest.find('\n');
    if (newline == std::string_view::npos) return bad("the checkpoint's last line is cut short");
    std::string_view line = rest.substr(0, newline);
    rest.remove_prefix(newline + 1);
    if (!line.starts_with(dash)) return bad("a signature line does not begin with a dash");
    line.remove_prefix(dash.size());
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos || blank == 0) return bad("a signature line has no name");
    const auto bytes = from_base64(line.substr(blank + 1));
    if (!bytes || bytes->size() <= 4) return bad("a signature line holds no signature");
    read.signatures.push_back({std::string(line.substr(0, blank)), bytes->substr(0, 4), bytes->substr(4)});
    if (read.signatures.size() > max_signatures) return bad("the checkpoint has too many signatures");
  }
  if (read.signatures.empty())
    return std::unexpected(Refusal{Reason::checkpoint_unsigned, "nobody signed the checkpoint"});
  return read;
}

Checked<> check_checkpoint(const Checkpoint& checkpoint, const TransparencyLog& log) {
  const std::string_view hint = std::string_view(log.checkpoint_id).substr(0, 4);
  Refusal why{Reason::checkpoint_wrong_key,
              fmt::format("none of {} signatures is by the key of {}", checkpoint.signatures.size(),
                          printable(log.base_url, 100))};
  for (const NoteSignature& signature : checkpoint.signatures) {
    if (signature.hint != hint) continue;
    if (!is_origin_of(checkpoint.origin, signature.name) || !is_name_of(signature.name, log)) {
      if (why.reason == Reason::checkpoint_wrong_key)
        why = {Reason::checkpoint_wrong_origin,
               fmt::format("the checkpoint of '{}', signed as '{}', is not of {}",
                           printable(checkpoint.origin, 100), printable(signature.name, 100),
                           printable(log.base_url, 100))};
      continue;
    }
    if (log.key.verify(log.scheme, checkpoint.text, signature.signature)) return {};
    why = {Reason::bad_checkpoint_signature,
           fmt::format("the signature of '{}' does not verify", printable(signature.name, 100))};
  }
  return std::unexpected(std::move(why));
}

}  // namespace tranche::sigstore
