// The ar archive is walked here: what is signed must be exactly what dpkg unpacks. So the three members stand
// once each, in dpkg's order, and nothing stands beside them but signatures at the end (deb(5)).
#include "platform/deb.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "platform/tool.hpp"

namespace tranche::platform {
namespace {

using signing::Verdict;

constexpr std::string_view magic = "!<arch>\n";
constexpr std::size_t header_bytes = 60;
constexpr std::size_t max_members = 16;
constexpr std::size_t max_signature_bytes = 64 << 10;
constexpr std::string_view origin = "_gpgorigin";

// A file in order, with where it is.
class Walk {
 public:
  explicit Walk(std::unique_ptr<ports::FileReader> reader) : reader_(std::move(reader)) {}
  // Up to `size` bytes; fewer at the end only.
  Result<std::string> take(std::size_t size) {
    std::string out(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const std::size_t count = TRY(reader_->read(out.data() + got, size - got));
      if (count == 0) break;
      got += count;
    }
    out.resize(got);
    return out;
  }
  // Gives `size` bytes to the sink. False: the file ends before.
  template <typename Sink>
  Result<bool> pass(std::uint64_t size, Sink&& sink) {
    constexpr std::uint64_t piece_bytes = 256 << 10;
    while (size > 0) {
      const std::string piece = TRY(take(static_cast<std::size_t>(std::min(size, piece_bytes))));
      if (piece.empty()) return false;
      sink(piece);
      size -= piece.size();
    }
    return true;
  }

 private:
  std::unique_ptr<ports::FileReader> reader_;
};

struct Member {
  std::string name;
  std::uint64_t size = 0;
};

std::optional<Member> read_header(std::string_view header) {
  if (header.size() != header_bytes || !header.ends_with("`\n")) return std::nullopt;
  std::string_view name = trim(header.substr(0, 16));
  if (name.ends_with('/')) name.remove_suffix(1);
  const auto size = parse_u64(trim(header.substr(48, 10)));
  if (name.empty() || !size) return std::nullopt;
  return Member{std::string(name), *size};
}

// debian-binary, control.tar*, data.tar*: which of dpkg's members it is, by order.
std::optional<std::size_t> signed_place(std::string_view name) {
  if (name == "debian-binary") return 0;
  for (const auto& [stem, place] : {std::pair{"control.tar", 1}, std::pair{"data.tar", 2}}) {
    if (!name.starts_with(stem)) continue;
    const std::string_view rest = name.substr(std::string_view(stem).size());
    for (const std::string_view known : {"", ".gz", ".xz", ".bz2", ".lzma", ".zst"})
      if (rest == known) return static_cast<std::size_t>(place);
  }
  return std::nullopt;
}

struct Span {
  std::uint64_t begin = 0, size = 0;
};

struct Parts {
  std::vector<Span> spans;  // of what is signed, in order
  std::string signature;    // of _gpgorigin
  std::string flaw;         // why it is no .deb, when it is none
};

Result<Parts> walk_package(ports::World& world, const std::string& path) {
  const auto bad = [](std::string why) {
    return Parts{.spans = {}, .signature = {}, .flaw = std::move(why)};
  };
  Walk walk(TRY(world.files.open(path)));
  if (TRY(walk.take(magic.size())) != magic)
    return bad("this is no .deb: it does not begin as an ar archive");
  Parts parts;
  std::uint64_t at = magic.size();
  for (std::size_t count = 0;; ++count) {
    const std::string header = TRY(walk.take(header_bytes));
    if (header.empty()) break;
    const auto member = read_header(header);
    if (!member || count == max_members) return bad("the ar archive is damaged");
    const auto place = signed_place(member->name);
    const bool is_signature = member->name.starts_with("_gpg");
    if (place ? *place != parts.spans.size() : !is_signature || parts.spans.size() != 3)
      return bad(fmt::format("member '{}' does not belong there", printable(member->name, 16)));
    const bool is_origin = member->name == origin;
    if (is_origin && (!parts.signature.empty() || member->size > max_signature_bytes))
      return bad("there are two origin signatures, or one that is too large");
    at += header_bytes;
    if (place) parts.spans.push_back({at, member->size});
    if (!TRY(walk.pass(member->size, [&](const std::string& piece) {
          if (is_origin) parts.signature += piece;
        })))
      return bad("the package ends in the middle of a member");
    at += member->size + member->size % 2;
    if (member->size % 2 == 1) TRY(walk.take(1));
  }
  if (parts.spans.size() != 3) return bad("the package lacks debian-binary, control.tar or data.tar");
  return parts;
}

// Writes the spans one after another, whatever their size.
Result<> write_spans(ports::World& world, const std::string& path, const std::vector<Span>& spans,
                     const std::string& to) {
  for (const Span& span : spans) {
    const auto result =
        TRY(run_tool(world, {.argv = {"dd", "if=" + path, "of=" + to, "bs=1M", "status=none",
                                      "iflag=skip_bytes,count_bytes", "oflag=append", "conv=notrunc",
                                      fmt::format("skip={}", span.begin), fmt::format("count={}", span.size)},
                             .package = "coreutils",
                             .environment = {},
                             .input = {}}));
    if (result.exit_code != 0)
      return fail_hint(ErrorKind::failed, "is there room under TMPDIR?", "cannot copy out of '{}': {}",
                       printable(path), last_words(result));
  }
  return {};
}

}  // namespace

Result<Verdict> check_deb(ports::World& world, const std::string& path, signing::Gpg& gpg) {
  const auto directory = TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::files));
  const std::string content = *directory / "signed";
  const Parts parts = TRY(walk_package(world, path));
  if (!parts.flaw.empty()) return Verdict{"malformed", parts.flaw};
  if (parts.signature.empty()) return Verdict{"unsigned", "the package has no _gpgorigin"};
  TRY(write_spans(world, path, parts.spans, content));
  return gpg.check_file(content, parts.signature);
}

Result<> sign_deb(ports::World& world, const std::string& path, signing::Gpg& gpg) {
  const WorkCopy copy = TRY(WorkCopy::make(world, path, "package.deb"));
  auto environment = TRY(gpg.serve_others());
  const auto result = TRY(run_tool(
      world, {.argv = {"debsigs", "--sign=origin", "--default-key=" + gpg.fingerprint(), copy.path()},
              .package = "debsigs",
              .environment = std::move(environment)}));
  if (result.exit_code != 0)
    return fail_hint(ErrorKind::verification, "check --key-password, and that the file is a .deb",
                     "debsigs does not sign '{}': {}", printable(path), last_words(result));
  const Verdict verdict = TRY(check_deb(world, copy.path(), gpg));
  if (!verdict.holds())
    return fail_hint(ErrorKind::verification,
                     "debsigs knows packages compressed with gzip or xz: build it with dpkg-deb -Zxz",
                     "what debsigs made of '{}' does not hold, and the file stays as it was: {}",
                     printable(path), verdict.detail);
  return copy.put_back(world.files, copy.path());
}

}  // namespace tranche::platform
