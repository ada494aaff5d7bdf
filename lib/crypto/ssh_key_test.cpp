#include "crypto/ssh_key.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"

using namespace tranche;
using namespace tranche::crypto;

namespace {

// RFC 8032, section 7.1, test 1.
const std::string point = *from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const std::string blob = ssh_string("ssh-ed25519") + ssh_string(point);

std::string line(const std::string& type, const std::string& bytes) { return type + " " + to_base64(bytes); }

}  // namespace

TEST_CASE("an OpenSSH line is its type, its blob and a comment, and comes back as it was") {
  const auto key = ssh_key_from_line("  " + line("ssh-ed25519", blob) + "  Ana of Notes\n");
  REQUIRE(key.has_value());
  CHECK(key->comment == "Ana of Notes");
  CHECK(key->application.empty());
  CHECK(key->key.kind() == AnyPublicKey::Kind::ed25519);
  CHECK(*to_ssh_blob(*key) == blob);
  CHECK(*to_ssh_line(*key) == line("ssh-ed25519", blob) + " Ana of Notes");
}

TEST_CASE("what is no OpenSSH public key is refused, whatever it looks like") {
  const std::string p256 = ssh_string("ecdsa-sha2-nistp256");
  const std::pair<const char*, std::string> cases[] = {
      {"nothing", ""},
      {"a type alone", "ssh-ed25519"},
      {"options before the type", "no-pty " + line("ssh-ed25519", blob)},
      {"no base64", "ssh-ed25519 !!!!"},
      {"another type than its line says", line("ssh-rsa", blob)},
      {"two lines", line("ssh-ed25519", blob) + "\n" + line("ssh-ed25519", blob)},
      {"bytes after the key", line("ssh-ed25519", blob + "x")},
      {"cut short", line("ssh-ed25519", blob.substr(0, blob.size() - 1))},
      {"a length beyond the end", line("ssh-ed25519", std::string("\xff\xff\xff\xff", 4))},
      {"a point of another length", line("ssh-ed25519", ssh_string("ssh-ed25519") + ssh_string(point + "x"))},
      {"a curve that is not the type's",
       line("ecdsa-sha2-nistp256",
            p256 + ssh_string("nistp384") + ssh_string("\x04" + std::string(64, 'a')))},
      {"a point that is on no curve",
       line("ecdsa-sha2-nistp256",
            p256 + ssh_string("nistp256") + ssh_string("\x04" + std::string(64, 'a')))},
      {"a compressed point", line("ecdsa-sha2-nistp256",
                                  p256 + ssh_string("nistp256") + ssh_string("\x02" + std::string(64, 'a')))},
      {"a negative modulus", line("ssh-rsa", ssh_string("ssh-rsa") + ssh_string("\x01\x00\x01") +
                                                 ssh_string(std::string(256, '\xff')))},
      {"a modulus with zeros before it",
       line("ssh-rsa", ssh_string("ssh-rsa") + ssh_string("\x03") + ssh_string(std::string(257, '\0')))},
      {"RSA of 1024 bits", line("ssh-rsa", ssh_string("ssh-rsa") + ssh_string("\x03") +
                                               ssh_string("\x7f" + std::string(127, '\xff')))},
      {"DSA", line("ssh-dss", ssh_string("ssh-dss"))},
      {"a security key without an application",
       line("sk-ssh-ed25519@openssh.com",
            ssh_string("sk-ssh-ed25519@openssh.com") + ssh_string(point) + ssh_string(""))},
      {"17 KiB", line("ssh-ed25519", blob) + " " + std::string(17 * 1024, 'c')},
  };
  for (const auto& [what, text] : cases) {
    CAPTURE(what);
    const auto key = ssh_key_from_line(text);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().kind == ErrorKind::verification);
    CHECK_FALSE(key.error().hint.empty());
  }
}

TEST_CASE("a signature blob of another type, or with bytes after it, verifies nothing") {
  const SshKey key = *ssh_key_from_line(line("ssh-ed25519", blob));
  // RFC 8032, section 7.1, test 1: over the empty message.
  const std::string signature = *from_hex(
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5"
      "f0595"
      "bbe24655141438e7a100b");
  CHECK(verify_ssh(key, "", ssh_string("ssh-ed25519") + ssh_string(signature)));
  CHECK_FALSE(verify_ssh(key, "x", ssh_string("ssh-ed25519") + ssh_string(signature)));
  CHECK_FALSE(verify_ssh(key, "", ssh_string("ssh-rsa") + ssh_string(signature)));
  CHECK_FALSE(verify_ssh(key, "", ssh_string("ssh-ed25519") + ssh_string(signature) + "x"));
  CHECK_FALSE(verify_ssh(key, "", ssh_string("ssh-ed25519") + ssh_string(signature.substr(1))));
  CHECK_FALSE(verify_ssh(key, "", signature));
  CHECK_FALSE(verify_ssh(key, "", ""));
}
