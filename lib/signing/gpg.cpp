#include "signing/gpg.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "signing/clearsign.hpp"

namespace tranche::signing {

namespace {

constexpr std::chrono::minutes longest_run{10};  // a file of some GiB
constexpr const char* export_hint =
    "give one key: gpg --armor --export-secret-keys KEY-ID, and key-password when it has a password";

constexpr std::uint64_t weakest_hashes = 3;  // RFC 4880 section 9.4: 1 MD5, 2 SHA-1, 3 RIPEMD-160

constexpr std::string_view sign_hint =
    "check key-password, and that the key may sign and has not expired (gpg --list-keys)";

// A path that gpg takes for nothing else: "-" alone is stdin.
std::string file_word(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

ports::ProcessRequest request_of(std::vector<std::string> argv, std::string input = {}) {
  ports::ProcessRequest request;
  request.argv = std::move(argv);
  request.input = std::move(input);
  request.environment = {{"LC_ALL", "C"}};
  request.timeout = longest_run;
  request.max_output_bytes = 8 << 20;
  return request;
}

// The last words of what gpg said: the first lines are warnings.
std::string last_words(const ports::ProcessResult& result) {
  std::string_view text = trim(result.err);
  text = text.substr(text.rfind('\n') + 1);
  return text.empty() ? fmt::format("exit code {}", result.exit_code) : printable(text);
}

// Values of the lines "[GNUPG:] WORD value...", which --status-fd 1 writes.
std::vector<std::string_view> status_lines(std::string_view out, std::string_view word) {
  std::vector<std::string_view> values;
  const std::string start = fmt::format("[GNUPG:] {} ", word);
  for (const std::string_view line : split(out, '\n'))
    if (line.starts_with(start)) values.push_back(line.substr(start.size()));
  return values;
}

// "VALIDSIG <of the key that signed> <date> <time> <expires> <version> <reserved> <key's algorithm> <hash>
// <class> <of its primary key>" (doc/DETAILS of GnuPG).
constexpr std::size_t valid_hash = 7;

struct Refusal {
  std::string_view word, code, detail;
};
// The worst first.
constexpr Refusal refusals[] = {
    {"BADSIG", "changed-bytes", "the bytes are not those that were signed, key"},
    {"NO_PUBKEY", "unknown-key", "signed with a key that was not given:"},
    {"EXPSIG", "expired-signature", "the signature has expired, key"},
    {"EXPKEYSIG", "expired-key", "the key that signed has expired:"},
    {"REVKEYSIG", "revoked-key", "the key that signed was revoked:"},
};

// What `--verify` said. With several signatures each has lines of its own, and all must hold.
Verdict read_gpg(const ports::ProcessResult& result) {
  const auto said = [&](std::string_view word) { return !status_lines(result.out, word).empty(); };
  for (const Refusal& refusal : refusals)
    if (const auto lines = status_lines(result.out, refusal.word); !lines.empty())
      return {std::string(refusal.code),
              fmt::format("{} {}", refusal.detail, printable(split(lines.front(), ' ').front(), 40))};
  const auto valid = status_lines(result.out, "VALIDSIG");
  if (valid.empty() && said("NODATA")) return {"malformed", "gpg finds no signature in it"};
  if (result.exit_code != 0 || result.cut || valid.empty() || !said("GOODSIG"))
    return {"bad-signature", last_words(result)};
  for (const std::string_view line : valid) {
    const auto words = split(line, ' ');
    const auto number =
        words.size() > valid_hash ? parse_u64(words[valid_hash]) : std::optional<std::uint64_t>();
    if (!number) return {"bad-signature", "gpg does not say over which digest"};
    if (*number <= weakest_hashes)
      return {"weak-digest", "the signature is over MD5, SHA-1 or RIPEMD-160: such files can be forged"};
  }
  return {"", fmt::format("OpenPGP key {}", printable(split(valid.front(), ' ').back()))};
}

}  // namespace

Result<ports::ProcessResult> Gpg::run(std::vector<std::string> words, std::string input) {
  std::vector<std::string> argv{"gpg",           "--homedir", home(),    "--no-options",
                                "--batch",       "--no-tty",  "--quiet", "--no-auto-key-locate",
                                "--trust-model", "always"};
  argv.insert(argv.end(), words.begin(), words.end());
  auto result = world_.process.run(request_of(std::move(argv), std::move(input)));
  if (result) return std::move(*result);
  // One that does not end is there.
  if (!result.error().message.starts_with("cannot run")) return fail(std::move(result.error()));
  return fail(std::move(result.error()).with_hint("install it: apt-get install gnupg"));
}

Result<std::unique_ptr<Gpg>> Gpg::make(ports::World& world) {
  auto directory = TRY(PrivateDirectory::make(world, PrivateDirectory::Holds::secrets));
  std::unique_ptr<Gpg> gpg(new Gpg(world, std::move(directory)));
  // The agent guards its short-lived copy of the key with a password that was already given: calibrating how
  // long that takes costs seconds and buys nothing.
  TRY(world.files.write(*gpg->directory_ / "gpg-agent.conf", "s2k-count 65536\n", 0600));
  return gpg;
}

// NOLINTBEGIN(clang-analyzer-cplusplus.NewDeleteLeaks): it loses sight of an owner that TRY hands on
Result<std::unique_ptr<Gpg>> Gpg::open(ports::World& world, const Secret& key, Secret password) {
  std::unique_ptr<Gpg> gpg = TRY(make(world));
  gpg->password_ = std::move(password);
  const auto result = TRY(gpg->run({"--status-fd", "1", "--import"}, std::string(key.expose())));
  // "IMPORT_OK <flags> <fingerprint>"; flag 16: the secret half came with it.
  std::vector<std::string> secret;
  for (const std::string_view line : status_lines(result.out, "IMPORT_OK")) {
    const auto words = split(line, ' ');
    const auto flags = parse_u64(words.front());
    if (words.size() > 1 && flags && (*flags & 16) != 0) secret.emplace_back(words[1]);
  }
  std::ranges::sort(secret);
  secret.erase(std::unique(secret.begin(), secret.end()), secret.end());
  if (secret.empty())
    return fail_hint(ErrorKind::verification, export_hint, "gpg finds no secret key in it: {}",
                     last_words(result));
  if (secret.size() > 1)
    return fail_hint(ErrorKind::verification, export_hint, "there are {} secret keys in it", secret.size());
  gpg->fingerprint_ = secret.front();
  return gpg;
}

Result<std::unique_ptr<Gpg>> Gpg::open_public(ports::World& world, std::string_view keys) {
  std::unique_ptr<Gpg> gpg = TRY(make(world));
  const auto result = TRY(gpg->run({"--status-fd", "1", "--import"}, std::string(keys)));
  if (status_lines(result.out, "IMPORT_OK").empty())
    return fail_hint(ErrorKind::verification, "give what gpg --export writes", "gpg finds no key in it: {}",
                     last_words(result));
  return gpg;
}
// NOLINTEND(clang-analyzer-cplusplus.NewDeleteLeaks)

Gpg::~Gpg() {
  // Nothing can be done about errors here, and the agent also ends when its directory is gone.
  (void)world_.process.run(request_of({"gpgconf", "--homedir", home(), "--kill", "gpg-agent"}));
}

Result<std::string> Gpg::clearsign(std::string_view text) {
  const std::string file = *directory_ / "text";
  TRY(world_.files.write(file, text, 0600));
  const auto result = TRY(run({"--pinentry-mode", "loopback", "--passphrase-fd", "0", "--local-user",
                               fingerprint_, "--digest-algo", "SHA512", "--output", "-", "--clearsign", file},
                              std::string(password_.expose()) + "\n"));
  if (result.exit_code != 0)
    return fail_hint(ErrorKind::verification, std::string(sign_hint), "gpg does not sign with key {}: {}",
                     fingerprint_, last_words(result));
  if (result.cut) return fail(ErrorKind::failed, "what gpg signed is larger than {} bytes", 8 << 20);
  return result.out;
}

Result<> Gpg::verify(std::string_view clearsigned) {
  // The same strict reading as ours first: gpg also takes a signed part among other words.
  TRY(parse_clearsigned(clearsigned));
  const std::string file = *directory_ / "signed";
  TRY(world_.files.write(file, clearsigned, 0600));
  const auto result = TRY(run({"--status-fd", "1", "--verify", file}, {}));
  const auto valid = status_lines(result.out, "VALIDSIG");
  const bool known = fingerprint_.empty() || std::ranges::any_of(valid, [&](std::string_view line) {
                       return line.find(fingerprint_) != line.npos;  // of the subkey, then of the key
                     });
  // GOODSIG is not said of an expired or revoked key.
  const bool good = !valid.empty() && !status_lines(result.out, "GOODSIG").empty();
  if (!good || !known || (fingerprint_.empty() && result.exit_code != 0))
    return fail_hint(ErrorKind::verification, "it was signed with another key, or changed since",
                     "gpg does not accept the signature: {}", last_words(result));
  return {};
}

Result<std::string> Gpg::sign_file(const std::string& path) {
  const auto result =
      TRY(run({"--pinentry-mode", "loopback", "--passphrase-fd", "0", "--local-user", fingerprint_,
               "--digest-algo", "SHA512", "--armor", "--output", "-", "--detach-sign", "--", file_word(path)},
              std::string(password_.expose()) + "\n"));
  if (result.exit_code != 0 || result.cut || !result.out.starts_with("-----BEGIN PGP SIGNATURE-----"))
    return fail_hint(ErrorKind::verification, std::string(sign_hint), "gpg does not sign with key {}: {}",
                     fingerprint_, last_words(result));
  return result.out;
}

Result<Verdict> Gpg::check_file(const std::string& path, std::string_view signature) {
  const std::string file = *directory_ / "signature";
  TRY(world_.files.write(file, signature, 0600));
  return read_gpg(TRY(run({"--status-fd", "1", "--verify", "--", file, file_word(path)}, {})));
}

Result<Verdict> Gpg::check_clearsigned(std::string_view bytes) {
  // The same strict reading as ours first: gpg also takes a signed part among other words.
  if (const auto read = parse_clearsigned(bytes); !read) return Verdict{"malformed", read.error().message};
  const std::string file = *directory_ / "signed";
  TRY(world_.files.write(file, bytes, 0600));
  return read_gpg(TRY(run({"--status-fd", "1", "--verify", "--", file}, {})));
}

Result<std::map<std::string, std::string>> Gpg::serve_others() {
  const std::string password = *directory_ / "password";
  TRY(world_.files.write(password, std::string(password_.expose()) + "\n", 0600));
  // By preference, not --digest-algo: --openpgp, which debsigs gives, would undo that one.
  TRY(world_.files.write(*directory_ / "gpg.conf",
                         fmt::format("batch\nno-tty\nquiet\npinentry-mode loopback\npassphrase-file {}\n"
                                     "personal-digest-preferences SHA512\n",
                                     password),
                         0600));
  return std::map<std::string, std::string>{{"GNUPGHOME", home()}, {"HOME", home()}, {"LC_ALL", "C"}};
}

Result<std::string> Gpg::public_key() {
  std::vector<std::string> words{"--armor", "--export"};
  if (!fingerprint_.empty()) words.push_back(fingerprint_);
  const auto result = TRY(run(std::move(words), {}));
  if (result.exit_code != 0 || result.out.empty())
    return fail(ErrorKind::failed, "gpg does not export the public key: {}", last_words(result));
  return result.out;
}

}  // namespace tranche::signing
