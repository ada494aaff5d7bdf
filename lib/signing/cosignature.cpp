#include "signing/cosignature.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t time_bytes = 8;
constexpr std::size_t signature_bytes = 64;
// The year 9999: what an Instant and its text can hold.
constexpr std::uint64_t last_second = 253'402'300'799;

}  // namespace

std::string cosigned_text(std::string_view text, std::uint64_t seconds) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
}

Result<Instant> check_cosignature(std::string_view text, const NoteSignature& signature,
                                  const VerifierKey& verifier) {
  const auto wrong = [&](std::string_view what) {
    return fail_hint(ErrorKind::verification, "ask the witness's operator, or take it out of 'witnesses:'",
                     "the cosignature of '{}' {}", printable(verifier.name), what);
  };
  if (signature.signature.size() != time_bytes + signature_bytes) return wrong("has another length");
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < time_bytes; ++i)
    seconds = seconds << 8 | static_cast<std::uint8_t>(signature.signature[i]);
  if (seconds > last_second) return wrong("is of a time beyond the year 9999");
  if (!crypto::verify(verifier.key, cosigned_text(text, seconds),
                      std::string_view(signature.signature).substr(time_bytes)))
    return wrong("is wrong");
  return Instant(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

}  // namespace tranche::signing
