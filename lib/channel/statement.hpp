// Most updaters' feed files carry no signature of their own. Beside each lies NAME.tranche.json: a DSSE
// envelope by a feed key that says which bytes are ours. An app (or a mirror) that checks it refuses a file
// that somebody else put there; publishing uses it to notice that another tool wrote the channel.
//
// Payload: RFC 8785 JSON {"schema":"tranche/feed-file/v1","app","channel","feed","name","sequence","issued",
// "expires","sha256":[...]}. While a file changes, the statement names both the old and the new digest, so a
// reader at any instant finds the file it got; the next publish leaves the new one only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "signing/keys.hpp"

namespace tranche::channel {

inline constexpr std::size_t max_statement_bytes = 64 << 10;
std::string statement_name(std::string_view file);  // "latest.yml.tranche.json"

struct Statement {
  std::string app, channel, feed;
  std::string name;  // of the file, in the store
  std::uint64_t sequence = 0;
  Instant issued{}, expires{};
  std::vector<std::string> sha256;  // hex; one or two
  bool operator==(const Statement&) const = default;
};

Result<std::string> seal(const Statement& statement, const crypto::Ed25519Signer& feed_key);
// kind verification; expiry is not checked here.
Result<Statement> open_statement(std::string_view envelope, const signing::Trust& trust);
// The file is one of those that the statement names, under this name. kind verification.
Result<> check_file(const Statement& statement, std::string_view name, std::string_view bytes);

}  // namespace tranche::channel
