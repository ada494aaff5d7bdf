// ssh-keygen itself: what it signs we accept, and no damaged copy of it; what we put together it accepts.
#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/hash.hpp"
#include "os/world.hpp"
#include "signing/approval.hpp"
#include "signing/sshsig.hpp"
#include "support/npm_peer.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::signing;

namespace {

struct Scene {
  os::RealWorld real;
  support::TempDirectory directory;

  ports::ProcessResult run(std::vector<std::string> argv, std::string input = {}) {
    ports::ProcessRequest request;
    request.argv = std::move(argv);
    request.directory = directory.path();
    request.input = std::move(input);
    const auto result = real.world().process.run(request);
    return result ? *result : ports::ProcessResult{127, "", result.error().message, false};
  }
  bool have_ssh_keygen() { return run({"ssh-keygen", "-?"}).exit_code != 127; }
  std::string read(const std::string& name) {
    return real.world().files.read(directory / name, 1 << 20).value().value_or("");
  }
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(real.world().files.write(directory / name, bytes).has_value());
  }
  std::string line_of(const std::string& name, std::vector<std::string> how) {
    std::vector<std::string> argv{"ssh-keygen", "-q", "-N", "", "-C", name + "@example.org", "-f", name};
    argv.insert(argv.end(), how.begin(), how.end());
    const auto made = run(argv);
    REQUIRE_MESSAGE(made.exit_code == 0, made.err);
    return read(name + ".pub");
  }
  std::string sign(const std::string& name, const std::string& message, const std::string& space = "tranche",
                   const std::string& hash = "sha512") {
    const auto made =
        run({"ssh-keygen", "-Y", "sign", "-O", "hashalg=" + hash, "-n", space, "-f", name}, message);
    REQUIRE_MESSAGE(made.exit_code == 0, made.err);
    return made.out;
  }
  bool ssh_keygen_accepts(const std::string& line, const std::string& armored, const std::string& message) {
    write("allowed", "ana@example.org " + line + "\n");
    write("signature", armored);
    const auto result = run({"ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ana@example.org", "-n",
                             "tranche", "-s", "signature"},
                            message);
    return result.exit_code == 0;
  }
};

std::string armor(std::string_view bytes) {
  return "-----BEGIN SSH SIGNATURE-----\n" + to_base64(bytes) + "\n-----END SSH SIGNATURE-----\n";
}
std::string bytes_of(std::string_view armored) {
  std::string body;
  for (const std::string_view line : split(armored, '\n'))
    if (!line.starts_with("-----")) body += line;
  return *from_base64(body);
}

constexpr std::string_view apt = "apt-get install openssh-client";
const std::string message = "{\"schema\":\"tranche/approval/v1\"}\n";

}  // namespace

TEST_CASE("what ssh-keygen signs we accept, for each kind of key, and for nothing else") {
  Scene scene;
  if (!scene.have_ssh_keygen()) return support::skip_peer("ssh-keygen", apt);
  const std::pair<const char*, std::vector<std::string>> kinds[] = {{"ed25519", {"-t", "ed25519"}},
                                                                    {"p256", {"-t", "ecdsa", "-b", "256"}},
                                                                    {"p384", {"-t", "ecdsa", "-b", "384"}},
                                                                    {"p521", {"-t", "ecdsa", "-b", "521"}},
                                                                    {"rsa", {"-t", "rsa", "-b", "2048"}}};
  std::vector<crypto::SshKey> keys;
  for (const auto& [name, how] : kinds) {
    CAPTURE(name);
    const std::string line = scene.line_of(name, how);
    const auto key = crypto::ssh_key_from_line(line);
    REQUIRE(key.has_value());
    CHECK(key->comment == std::string(name) + "@example.org");
    CHECK(*crypto::to_ssh_line(*key) + "\n" == line);
    keys.push_back(*key);
    for (const char* hash : {"sha256", "sha512"}) {
      const auto signature = parse_sshsig(scene.sign(name, message, "tranche", hash));
      REQUIRE(signature.has_value());
      CHECK(signature->hash == hash);
      CHECK(verify_sshsig(*signature, *key, "tranche", message));
      CHECK_FALSE(verify_sshsig(*signature, *key, "tranche", message + " "));
      CHECK_FALSE(verify_sshsig(*signature, *key, "git", message));
      for (const crypto::SshKey& other : keys)
        CHECK(verify_sshsig(*signature, other, "tranche", message) ==
              (other.key.to_der() == key->key.to_der()));
    }
    const auto elsewhere = parse_sshsig(scene.sign(name, message, "git"));
    REQUIRE(elsewhere.has_value());
    CHECK_FALSE(verify_sshsig(*elsewhere, *key, "tranche", message));
  }
}

TEST_CASE("no bit of an SSH signature can be turned") {
  Scene scene;
  if (!scene.have_ssh_keygen()) return support::skip_peer("ssh-keygen", apt);
  for (const char* type : {"ed25519", "ecdsa"}) {
    const auto key = crypto::ssh_key_from_line(scene.line_of(type, {"-t", type}));
    REQUIRE(key.has_value());
    const std::string bytes = bytes_of(scene.sign(type, message));
    int accepted = 0, tried = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        const auto signature = parse_sshsig(armor(changed));
        accepted += signature && verify_sshsig(*signature, *key, "tranche", message) ? 1 : 0;
        ++tried;
      }
    MESSAGE(std::string(type) << ": " << tried << " turned bits, " << accepted << " accepted");
    CHECK(accepted == 0);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(parse_sshsig(armor(bytes.substr(0, size))).has_value());
  }
}

TEST_CASE("kinds of keys that are not taken are refused by name") {
  Scene scene;
  if (!scene.have_ssh_keygen()) return support::skip_peer("ssh-keygen", apt);
  const auto dsa = crypto::ssh_key_from_line(scene.line_of("dsa", {"-t", "dsa"}));
  REQUIRE_FALSE(dsa.has_value());
  CHECK(dsa.error().message == "OpenSSH public keys of type 'ssh-dss' are not taken");
  CHECK_FALSE(crypto::ssh_key_from_line(scene.line_of("small", {"-t", "rsa", "-b", "1024"})).has_value());
  const std::string authority = scene.line_of("authority", {"-t", "ed25519"});
  const std::string user = scene.line_of("user", {"-t", "ed25519"});
  REQUIRE(
      scene.run({"ssh-keygen", "-q", "-s", "authority", "-I", "ana", "-n", "ana", "user.pub"}).exit_code ==
      0);
  const auto certificate = crypto::ssh_key_from_line(scene.read("user-cert.pub"));
  REQUIRE_FALSE(certificate.has_value());
  CHECK(certificate.error().message.find("ssh-ed25519-cert-v01@openssh.com") != std::string::npos);
}

TEST_CASE("ssh-keygen accepts what a key of ours signs in its form, and a security key's answer: so do we") {
  Scene scene;
  if (!scene.have_ssh_keygen()) return support::skip_peer("ssh-keygen", apt);
  const auto secret = *crypto::SecretKey::from_seed(Secret(std::string(32, 's')));
  const auto any = *crypto::AnyPublicKey::from_pem(crypto::to_pem(secret.public_key()));
  for (const std::string application : {"", "ssh:"}) {
    CAPTURE(application);
    const crypto::SshKey key{any, application, "ana"};
    const std::string type = application.empty() ? "ssh-ed25519" : "sk-ssh-ed25519@openssh.com";
    const std::string head =
        "SSHSIG" + crypto::ssh_string("tranche") + crypto::ssh_string("") + crypto::ssh_string("sha512");
    std::string shown = head + crypto::ssh_string(crypto::hash(crypto::HashKind::sha512, message));
    const auto signed_with = [&](char flags) {
      std::string blob = crypto::ssh_string(type);
      if (application.empty()) return blob + crypto::ssh_string(secret.sign(shown));
      const std::string tail = std::string(1, flags) + std::string("\0\0\0\x07", 4);
      const std::string inner = std::string(crypto::as_bytes(crypto::sha256(application))) + tail +
                                std::string(crypto::as_bytes(crypto::sha256(shown)));
      return blob + crypto::ssh_string(secret.sign(inner)) + tail;
    };
    const auto document = [&](char flags) {
      return armor(std::string("SSHSIG\0\0\0\x01", 10) + crypto::ssh_string(*crypto::to_ssh_blob(key)) +
                   head.substr(6) + crypto::ssh_string(signed_with(flags)));
    };
    const std::string line = *crypto::to_ssh_line(key);
    REQUIRE(crypto::ssh_key_from_line(line).has_value());
    CHECK(crypto::ssh_key_from_line(line)->application == application);
    CHECK(scene.ssh_keygen_accepts(line, document(1), message));
    CHECK_FALSE(scene.ssh_keygen_accepts(line, document(1), message + " "));
    const auto signature = parse_sshsig(document(1));
    REQUIRE(signature.has_value());
    CHECK(verify_sshsig(*signature, key, "tranche", message));
    if (application.empty()) continue;
    const auto untouched = parse_sshsig(document(0));
    REQUIRE(untouched.has_value());
    CHECK_FALSE(verify_sshsig(*untouched, key, "tranche", message));
    CHECK_FALSE(verify_sshsig(*signature, {any, "", ""}, "tranche", message));
    CHECK_FALSE(verify_sshsig(*signature, {any, "ssh:other", ""}, "tranche", message));
  }
}

TEST_CASE(
    "an approval signed by ssh-keygen names its signer, and one whose payload was swapped names nobody") {
  Scene scene;
  if (!scene.have_ssh_keygen()) return support::skip_peer("ssh-keygen", apt);
  const auto key = crypto::ssh_key_from_line(scene.line_of("bo", {"-t", "ed25519"}));
  Approval approval;
  approval.app = approval.rollout = approval.release = approval.id = approval.what = approval.by = "x";
  approval.digest = std::string(64, 'a');
  approval.expires = approval.at + std::chrono::hours(1);
  const std::string payload = *to_payload(approval);
  const std::string armored = scene.sign("bo", payload);
  const std::vector<crypto::SshKey> keys{*key};
  CHECK(find_signer(*parse_approval(*with_ssh_signature(payload, armored)), keys) == 0);
  approval.digest = std::string(64, 'b');
  const auto swapped = parse_approval(*with_ssh_signature(*to_payload(approval), armored));
  REQUIRE(swapped.has_value());
  CHECK_FALSE(find_signer(*swapped, keys).has_value());
  const std::string print = scene.run({"ssh-keygen", "-l", "-f", "bo.pub"}).out;
  CHECK(print.find(signer_text(*swapped).substr(std::string("SSH key ").size())) != std::string::npos);
}
