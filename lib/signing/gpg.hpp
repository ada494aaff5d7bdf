// GnuPG as a child process, for what only OpenPGP keys can sign: files, APT's InRelease, packages.
//
// A key of the user's lives in a home of its own while it is needed: a fresh directory that nobody else can
// enter, in memory (/dev/shm) where there is such a place. The key and its password go through stdin, never
// through argv or the environment. When the session ends its agent is told to end and the directory is
// removed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"
#include "signing/private_directory.hpp"
#include "signing/verdict.hpp"

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
  [[nodiscard]] const std::string& home() const { return directory_->path(); }
  // The text, signed in clear with SHA-512. kind verification: wrong password, expired key.
  Result<std::string> clearsign(std::string_view text);
  // A key of this home signed these bytes. kind verification.
  Result<> verify(std::string_view clearsigned);
  // An armored signature over the file's bytes, with SHA-512. kind verification: wrong password, expired key.
  Result<std::string> sign_file(const std::string& path);
  // Whether keys of this home, and only these, made the signature (armored or not) over the file's bytes.
  // Codes: malformed, changed-bytes, unknown-key, expired-key, revoked-key, expired-signature, weak-digest,
  // bad-signature.
  Result<Verdict> check_file(const std::string& path, std::string_view signature);
  // The same of a text signed in clear, which must be nothing else.
  Result<Verdict> check_clearsigned(std::string_view bytes);
  // The public half, armored: what machines put under signed-by.
  Result<std::string> public_key();
  // For programs that call gpg themselves: the environment in which it signs with this home's key and
  // password, asking nobody. The password lies in a file of the home, as its key does.
  Result<std::map<std::string, std::string>> serve_others();

 private:
  Gpg(ports::World& world, std::unique_ptr<PrivateDirectory> directory)
      : world_(world), directory_(std::move(directory)) {}
  static Result<std::unique_ptr<Gpg>> make(ports::World& world);
  Result<ports::ProcessResult> run(std::vector<std::string> words, std::string input);

  ports::World& world_;
  std::unique_ptr<PrivateDirectory> directory_;
  std::string fingerprint_;
  Secret password_;
};

}  // namespace tranche::signing
