#include "signing/gpg.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "signing/clearsign.hpp"

namespace tranche::signing {

namespace {

// The agent's socket lies in the home, and the name of a socket has at most 107 bytes.
constexpr std::size_t longest_home = 80;
constexpr const char* export_hint =
    "give one key: gpg --armor --export-secret-keys KEY-ID, and key-password when it has a password";

ports::ProcessRequest request_of(std::vector<std::string> argv, std::string input = {}) {
  ports::ProcessRequest request;
  request.argv = std::move(argv);
  request.input = std::move(input);
  request.environment = {{"LC_ALL", "C"}};
  request.timeout = std::chrono::seconds(60);
  request.max_output_bytes = 8 << 20;
  return request;
}

// The last words of what gpg said: the first lines are warnings.
std::string last_words(const ports::ProcessResult& result) {
  std::string_view text = trim(result.err);
  text = text.substr(text.rfind('\n') + 1);
  return text.empty() ? fmt::format("exit code {}", result.exit_code) : printable(text);
}

Result<std::string> make_home(ports::World& world) {
  std::vector<std::string> places{"/dev/shm"};
  if (const auto own = world.environ.get("TMPDIR"); own && own->size() < longest_home) places.push_back(*own);
  places.emplace_back("/tmp");
  std::string said;
  for (const std::string& place : places) {
    if (!TRY(world.files.info(place))) continue;
    // mktemp makes it for this user only (mode 0700).
    const auto made =
        TRY(world.process.run(request_of({"mktemp", "-d", "--", place + "/tranche-gpg-XXXXXXXXXX"})));
    if (made.exit_code == 0 && made.out.starts_with(place)) return std::string(trim(made.out));
    said = last_words(made);
  }
  return fail_hint(ErrorKind::failed, "set TMPDIR to a directory that can be written",
                   "cannot make a directory for gpg: {}", said);
}

// Values of the lines "[GNUPG:] WORD value...", which --status-fd 1 writes.
std::vector<std::string_view> status_lines(std::string_view out, std::string_view word) {
  std::vector<std::string_view> values;
  const std::string start = fmt::format("[GNUPG:] {} ", word);
  for (const std::string_view line : split(out, '\n'))
    if (line.starts_with(start)) values.push_back(line.substr(start.size()));
  return values;
}

}  // namespace

Result<ports::ProcessResult> Gpg::run(std::vector<std::string> words, std::string input) {
  std::vector<std::string> argv{"gpg",           "--homedir", directory_, "--no-options",
                                "--batch",       "--no-tty",  "--quiet",  "--no-auto-key-locate",
                                "--trust-model", "always"};
  argv.insert(argv.end(), words.begin(), words.end());
  auto result = world_.process.run(request_of(std::move(argv), std::move(input)));
  if (!result) return fail(std::move(result.error()).with_hint("install it: apt-get install gnupg"));
  return std::move(*result);
}

Result<std::unique_ptr<Gpg>> Gpg::make(ports::World& world) {
  std::string directory = TRY(make_home(world));
  std::unique_ptr<Gpg> gpg(new Gpg(world, std::move(directory)));
  // The agent guards its short-lived copy of the key with a password that was already given: calibrating how
  // long that takes costs seconds and buys nothing.
  TRY(world.files.write(gpg->directory_ + "/gpg-agent.conf", "s2k-count 65536\n", 0600));
  return gpg;
}

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

Gpg::~Gpg() {
  // Nothing can be done about errors here, and the agent also ends when its directory is gone.
  (void)world_.process.run(request_of({"gpgconf", "--homedir", directory_, "--kill", "gpg-agent"}));
  (void)world_.process.run(request_of({"rm", "-rf", "--", directory_}));
}

Result<std::string> Gpg::clearsign(std::string_view text) {
  const std::string file = directory_ + "/text";
  TRY(world_.files.write(file, text, 0600));
  const auto result = TRY(run({"--pinentry-mode", "loopback", "--passphrase-fd", "0", "--local-user",
                               fingerprint_, "--digest-algo", "SHA512", "--output", "-", "--clearsign", file},
                              std::string(password_.expose()) + "\n"));
  if (result.exit_code != 0)
    return fail_hint(ErrorKind::verification,
                     "check key-password, and that the key may sign and has not expired (gpg --list-keys)",
                     "gpg does not sign with key {}: {}", fingerprint_, last_words(result));
  if (result.cut) return fail(ErrorKind::failed, "what gpg signed is larger than {} bytes", 8 << 20);
  return result.out;
}

Result<> Gpg::verify(std::string_view clearsigned) {
  // The same strict reading as ours first: gpg also takes a signed part among other words.
  TRY(parse_clearsigned(clearsigned));
  const std::string file = directory_ + "/signed";
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

Result<std::string> Gpg::public_key() {
  std::vector<std::string> words{"--armor", "--export"};
  if (!fingerprint_.empty()) words.push_back(fingerprint_);
  const auto result = TRY(run(std::move(words), {}));
  if (result.exit_code != 0 || result.out.empty())
    return fail(ErrorKind::failed, "gpg does not export the public key: {}", last_words(result));
  return result.out;
}

}  // namespace tranche::signing
