// Ed25519 over a message that does not fit into memory.
//
// Pure Ed25519 (RFC 8032) needs the message twice: once for the nonce, once for the challenge. So the message
// is a function that can be asked to say itself again. A message that changes in between would give away the
// key, so both readings are compared before anything leaves.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/ed25519.hpp"

namespace tranche::crypto {

class StreamSigner {
 public:
  // A key as text: PKCS#8 PEM (as SecretKey), or base64 of 32 bytes (the seed: Sparkle's generate_keys -x),
  // 64 bytes (seed and public half: libsodium), 96 bytes (the expanded key and its public half: Sparkle
  // before 2.2). kind verification when it is none of these, or its halves do not belong together.
  static Result<StreamSigner> from_text(const Secret& text);
  [[nodiscard]] const PublicKey& public_key() const { return public_; }

  using Sink = std::function<void(std::string_view)>;
  using Message = std::function<Result<>(const Sink&)>;  // gives all of its bytes to the sink, in order
  // 64 bytes, equal to SecretKey::sign's. `message` is called twice; kind failed when it said something else
  // the second time, otherwise its own errors.
  [[nodiscard]] Result<std::string> sign(const Message& message) const;

 private:
  StreamSigner() = default;
  Secret scalar_, prefix_;  // 32 bytes each: RFC 8032, 5.1.5
  PublicKey public_;
};

}  // namespace tranche::crypto
