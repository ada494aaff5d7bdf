#include "platform/apt.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/deb822.hpp"
#include "base/paths.hpp"
#include "base/release_date.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "platform/file_digest.hpp"
#include "signing/clearsign.hpp"

namespace tranche::platform {
namespace {

using signing::Verdict;

constexpr std::size_t max_release_bytes = 4 << 20;
constexpr std::size_t max_signature_bytes = 64 << 10;

struct Index {
  std::string name;  // below the directory
  std::uint64_t size = 0;
  std::string sha256;
};

struct Release {
  bool has_digests = false;
  std::vector<Index> indices;
  std::string valid_until;
  std::string flaw;  // why it cannot be read, when it cannot
};

// A relative path without "..": what Release lists lies below its directory.
bool stays_below(std::string_view name) {
  return !name.empty() && !name.starts_with('/') &&
         std::ranges::none_of(split(name, '/'), [](std::string_view part) { return part == ".."; });
}

// " <sha256> <size> <name>"
std::optional<Index> read_index(std::string_view line) {
  const std::vector<std::string_view> words = value_words(line);
  if (words.size() != 3 || !stays_below(words[2])) return std::nullopt;
  const auto digest = crypto::parse_sha256(words[0]);
  const auto size = parse_u64(words[1]);
  if (!digest || !size) return std::nullopt;
  return Index{std::string(words[2]), *size, crypto::to_hex(*digest)};
}

Release read_release(std::string_view text) {
  Release out;
  const auto stanzas = parse_deb822(text);
  if (!stanzas || stanzas->size() != 1) {
    out.flaw = stanzas ? "Release is not one stanza" : stanzas.error().message;
    return out;
  }
  out.valid_until = stanzas->front().find("Valid-Until").value_or("");
  const auto digests = stanzas->front().find("SHA256");
  out.has_digests = digests.has_value();
  for (const std::string_view line : value_lines(digests.value_or(""))) {
    auto index = read_index(line);
    if (!index) {
      out.flaw = fmt::format("a line under SHA256 cannot be read: '{}'", printable(line, 120));
      return out;
    }
    out.indices.push_back(std::move(*index));
  }
  return out;
}

// As a signature in clear has it: blanks at the ends of lines, and empty lines at the end, are not signed.
std::string plain_lines(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text, '\n')) {
    const std::size_t last = line.find_last_not_of(" \t\r");
    out += line.substr(0, last == line.npos ? 0 : last + 1);
    out += '\n';
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

// Those that lie here; a repository need not have every form of an index that it lists.
Result<Verdict> check_indices(ports::Files& files, const std::string& directory, const Release& release,
                              const std::string& signer) {
  std::size_t here = 0;
  for (const Index& index : release.indices) {
    const std::string path = join_path(directory, index.name);
    if (!TRY(files.info(path))) continue;
    ++here;
    const FileDigest found = TRY(digest_of(files, path));
    if (found.size != index.size || found.sha256 != index.sha256)
      return Verdict{"changed-bytes", fmt::format("'{}' is not what Release lists", printable(index.name))};
  }
  std::string detail =
      fmt::format("{}; {} of {} listed files are here and hold", signer, here, release.indices.size());
  if (!release.valid_until.empty())
    detail += fmt::format("; valid until {}", printable(release.valid_until, 60));
  return Verdict{"", std::move(detail)};
}

}  // namespace

Result<Verdict> check_apt(ports::World& world, const std::string& path, signing::Gpg& gpg) {
  ports::Files& files = world.files;
  const auto info = TRY(files.info(TRY(files.real_path(path))));
  const bool is_directory = info && info->kind == ports::FileInfo::Kind::directory;
  const std::string directory = is_directory ? path : directory_name(path);
  const std::string name = base_name(path);
  if (!is_directory && name != "InRelease" && name != "Release")
    return fail_hint(ErrorKind::usage, "name the directory dists/SUITE, or the InRelease or Release in it",
                     "'{}' is no part of an APT repository that is signed", printable(path));

  const auto inside = TRY(files.read(join_path(directory, "InRelease"), max_release_bytes));
  const auto plain = TRY(files.read(join_path(directory, "Release"), max_release_bytes));
  const auto detached = TRY(files.read(join_path(directory, "Release.gpg"), max_signature_bytes));
  if (!inside && !plain) return Verdict{"missing-artifact", "there is neither InRelease nor Release"};
  if (!inside && !detached) return Verdict{"unsigned", "there is neither InRelease nor Release.gpg"};
  if (detached && !plain) return Verdict{"missing-artifact", "Release.gpg has no Release beside it"};

  std::string signer;
  if (inside) {
    const Verdict verdict = TRY(gpg.check_clearsigned(*inside));
    if (!verdict.holds()) return Verdict{verdict.code, "InRelease: " + verdict.detail};
    signer = verdict.detail;
  }
  if (detached) {
    if (!detached->starts_with("-----BEGIN PGP SIGNATURE-----"))  // apt takes armored ones only
      return Verdict{"malformed", "Release.gpg is no armored signature"};
    const Verdict verdict = TRY(gpg.check_file(join_path(directory, "Release"), *detached));
    if (!verdict.holds()) return Verdict{verdict.code, "Release.gpg: " + verdict.detail};
    signer = verdict.detail;
  }
  const std::string text = plain_lines(inside ? TRY(signing::parse_clearsigned(*inside)).text : *plain);
  if (plain && plain_lines(*plain) != text)
    return Verdict{"different-release", "InRelease and Release say different things; sign it again"};
  const Release release = read_release(text);
  if (!release.flaw.empty()) return Verdict{"malformed", release.flaw};
  if (!release.has_digests) return Verdict{"weak-digest", "Release lists nothing by SHA-256"};
  if (!release.valid_until.empty()) {
    const auto until = parse_release_date(release.valid_until);
    if (!until) return Verdict{"malformed", "its Valid-Until cannot be read"};
    if (world.clock.now() >= *until)
      return Verdict{"expired", fmt::format("it was valid until {}", printable(release.valid_until, 60))};
  }
  return check_indices(files, directory, release, signer);
}

}  // namespace tranche::platform
