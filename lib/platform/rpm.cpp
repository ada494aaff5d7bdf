#include "platform/rpm.hpp"

#include "base/text.hpp"
#include "platform/tool.hpp"

namespace tranche::platform {
namespace {

using signing::Verdict;

constexpr std::string_view package = "rpm";

// Where gpg is: rpmsign wants a path. "gpg:OpenPGP:/usr/bin/gpg"
Result<std::string> find_gpg(ports::World& world) {
  const auto result = TRY(run_tool(
      world, {.argv = {"gpgconf", "--list-components"}, .package = "gnupg", .environment = {}, .input = {}}));
  for (const std::string_view line : split(result.out, '\n'))
    if (const auto parts = split(line, ':'); parts.size() >= 3 && parts[0] == "gpg")
      return std::string(parts[2]);
  return fail_hint(ErrorKind::failed, "install it: apt-get install gnupg",
                   "gpgconf does not say where gpg is");
}

}  // namespace

Verdict read_rpmkeys(std::string_view said, int exit_code) {
  bool good = false, bad = false, no_key = false, bad_digest = false, weak = false;
  std::string which, wrong;
  for (const std::string_view raw : split(said, '\n')) {
    const std::string_view line = trim(raw);
    const std::size_t colon = line.rfind(": ");
    if (colon == line.npos) continue;
    const std::string_view what = line.substr(0, colon), state = line.substr(colon + 2);
    const bool is_signature = what.find("Signature") != what.npos;
    if (state == "OK") {
      if (is_signature && what.starts_with("Header")) which = printable(what), good = true;
      // "Header V4 RSA/SHA1 Signature, key ID ..."
      if (is_signature && (what.find("/SHA1 ") != what.npos || what.find("/MD5 ") != what.npos)) weak = true;
      continue;
    }
    if (wrong.empty()) wrong = printable(line, 120);
    if (is_signature)
      (state.starts_with("NOKEY") ? no_key : bad) = true;
    else
      bad_digest = true;
  }
  // "BAD (Expected ... != ...)" of a digest has its colon before: whatever is said beside OK is a refusal.
  if (bad_digest) return {"changed-bytes", "rpmkeys: " + wrong};
  if (bad) return {"bad-signature", "rpmkeys: " + wrong};
  if (no_key) return {"unknown-key", "rpmkeys: " + wrong};
  if (exit_code != 0) return {"malformed", "rpmkeys does not read it as a package"};
  if (!good) return {"unsigned", "no signature over the package's header"};
  if (weak) return {"weak-digest", "the signature is over MD5 or SHA-1: such packages can be forged"};
  return {"", which};
}

Result<Verdict> check_rpm(ports::World& world, const std::string& path, const std::string& keys) {
  const auto home = TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::files));
  TRY(world.files.write(*home / "keys.asc", keys, 0600));
  TRY(world.files.make_directories(*home / "db"));
  const std::map<std::string, std::string> environment{{"HOME", home->path()}};
  const auto imported =
      TRY(run_tool(world, {.argv = {"rpmkeys", "--dbpath", *home / "db", "--import", *home / "keys.asc"},
                           .package = package,
                           .environment = environment,
                           .input = {}}));
  if (imported.exit_code != 0)
    return fail_hint(ErrorKind::verification, "give what gpg --armor --export writes",
                     "rpmkeys does not take the key: {}", last_words(imported));
  const auto result =
      TRY(run_tool(world, {.argv = {"rpmkeys", "--dbpath", *home / "db", "-Kv", file_word(path)},
                           .package = package,
                           .environment = environment,
                           .input = {}}));
  // The first line is the path, which is not the tool's to say.
  const std::size_t first = result.out.find('\n');
  return read_rpmkeys(
      first == std::string::npos ? std::string_view() : std::string_view(result.out).substr(first),
      result.cut ? 1 : result.exit_code);
}

Result<> sign_rpm(ports::World& world, const std::string& path, signing::Gpg& gpg) {
  const WorkCopy copy = TRY(WorkCopy::make(world, path, "package.rpm"));
  const std::string gpg_path = TRY(find_gpg(world));
  auto environment = TRY(gpg.serve_others());
  const auto result = TRY(run_tool(world, {.argv = {"rpmsign", "--define", "__gpg " + gpg_path, "--define",
                                                    "_gpg_name " + gpg.fingerprint(), "--define",
                                                    "_gpg_path " + gpg.home(), "--addsign", copy.path()},
                                           .package = package,
                                           .environment = std::move(environment),
                                           .input = {}}));
  if (result.exit_code != 0)
    return fail_hint(ErrorKind::verification, "check --key-password, and that the file is an .rpm",
                     "rpmsign does not sign '{}': {}", printable(path), last_words(result));
  const Verdict verdict = TRY(check_rpm(world, copy.path(), TRY(gpg.public_key())));
  if (!verdict.holds())
    return fail_hint(ErrorKind::verification, "sign with an RSA or Ed25519 key that may sign",
                     "what rpmsign made of '{}' does not hold, and the file stays as it was: {}",
                     printable(path), verdict.detail);
  return copy.put_back(world.files, copy.path());
}

}  // namespace tranche::platform
