// GnuPG as a child process, for what only OpenPGP keys can sign: APT's InRelease.
//
// A key of the user's lives in a home of its own while it is needed: a fresh directory that nobody else can
// enter, in memory (/dev/shm) where there is such a place. The key and its password go through stdin, never
// through argv or the environment. When the session ends its agent is told to end and the directory is
// removed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

class Gpg {
 public:
  // `key`: one secret key as `gpg --export-secret-keys [--armor]` gives it. kind failed: no gpg here; kind
  // verification: no secret key, or several.
  static Result<std::unique_ptr<Gpg>> open(ports::World& world, const Secret& key, Secret password);
  // A home with public keys only: verify() works, clearsign() does not.
  static Result<std::unique_ptr<Gpg>> open_public(ports::World& world, std::string_view keys);
  Gpg(const Gpg&) = delete;
  Gpg& operator=(const Gpg&) = delete;
  ~Gpg();

  // 40 hex digits, upper case; empty without a secret key.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] const std::string& home() const { return directory_; }
  // The text, signed in clear with SHA-512. kind verification: wrong password, expired key.
  Result<std::string> clearsign(std::string_view text);
  // A key of this home signed these bytes. kind verification.
  Result<> verify(std::string_view clearsigned);
  // The public half, armored: what machines put under signed-by.
  Result<std::string> public_key();

 private:
  Gpg(ports::World& world, std::string directory) : world_(world), directory_(std::move(directory)) {}
  static Result<std::unique_ptr<Gpg>> make(ports::World& world);
  Result<ports::ProcessResult> run(std::vector<std::string> words, std::string input);

  ports::World& world_;
  std::string directory_;
  std::string fingerprint_;
  Secret password_;
};

}  // namespace tranche::signing
