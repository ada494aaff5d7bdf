// A witness (c2sp.org/tlog-witness) behind an Http port: it checks signatures and consistency proofs as a
// real one does, and remembers what it signed.
#pragma once

#include <string>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/merkle.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tlog_proof.hpp"
#include "ports/ports.hpp"
#include "signing/cosignature.hpp"
#include "signing/note.hpp"

namespace tranche::support {

class FakeWitness {
 public:
  FakeWitness(std::string name, crypto::SecretKey key, std::string origin, crypto::PublicKey log)
      : name_(std::move(name)), key_(std::move(key)), origin_(std::move(origin)), log_(log) {}

  [[nodiscard]] std::string verifier_key() const {
    return signing::to_text(
        signing::VerifierKey{name_, key_.public_key(), signing::NoteAlgorithm::cosignature});
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  std::uint64_t seconds = 1'767'225'600;  // when it signs
  int asked = 0;

  ports::HttpResponse answer(const ports::HttpRequest& request) {
    ++asked;
    const auto proof = journal::parse_growth_proof(request.body);
    if (request.method != "POST" || !request.url.ends_with("/add-checkpoint") || !proof) return say(400);
    const auto note = signing::read_note(proof->checkpoint);
    if (!note || !note->text.starts_with(origin_ + "\n")) return say(404);
    if (!signing::open_note(proof->checkpoint, origin_, {&log_, 1})) return say(403);
    const auto checkpoint = journal::parse_checkpoint(note->text);
    if (!checkpoint || proof->old_size > checkpoint->size) return say(400);
    if (proof->old_size != size_) return conflict();
    if (size_ == checkpoint->size && root_ != checkpoint->root) return conflict();
    if (size_ == 0
            ? !proof->hashes.empty()
            : !crypto::verify_consistency(size_, checkpoint->size, proof->hashes, root_, checkpoint->root))
      return say(422);
    size_ = checkpoint->size;
    root_ = checkpoint->root;
    std::string signature;
    for (int shift = 56; shift >= 0; shift -= 8) signature += static_cast<char>(seconds >> shift & 0xff);
    signature += *key_.sign_message(signing::cosigned_text(note->text, seconds));
    // The key's hash, as its verifier key has it in hex.
    const std::string hash = *from_hex(split(verifier_key(), '+')[1]);
    return {200, {}, signing::to_line({name_, hash, signature})};
  }

 private:
  static ports::HttpResponse say(int status) { return {status, {}, ""}; }
  [[nodiscard]] ports::HttpResponse conflict() const {
    return {409, {{"content-type", "text/x.tlog.size"}}, std::to_string(size_) + "\n"};
  }

  std::string name_;
  crypto::SecretKey key_;
  std::string origin_;
  crypto::PublicKey log_;
  std::uint64_t size_ = 0;
  journal::Hash root_{};
};

}  // namespace tranche::support
