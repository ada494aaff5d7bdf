#include "signing/clearsign.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::signing {

namespace {

constexpr std::string_view begin_message = "-----BEGIN PGP SIGNED MESSAGE-----";
constexpr std::string_view begin_signature = "-----BEGIN PGP SIGNATURE-----";
constexpr std::string_view end_signature = "-----END PGP SIGNATURE-----";
constexpr std::size_t max_signatures = 16;
constexpr std::size_t max_subpackets = 64;

std::unexpected<Error> refuse(std::string_view what) {
  return fail_hint(ErrorKind::verification, "sign it again: gpg --clearsign", "{}", what);
}

// Lines without their ends: "\n" or "\r\n".
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

 private:
  std::string_view rest_;
};

std::string_view without_blanks_at_end(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  return line.substr(0, last == line.npos ? 0 : last + 1);
}

// Big-endian numbers off the front of bytes; `good` is false once there were too few.
struct Bytes {
  std::string_view rest;
  bool good = true;
  std::uint32_t number(std::size_t size) {
    std::uint32_t out = 0;
    for (const char c : take(size)) out = out << 8 | static_cast<unsigned char>(c);
    return out;
  }
  std::string_view take(std::size_t size) {
    good = good && size <= rest.size();
    if (!good) return {};
    const std::string_view out = rest.substr(0, size);
    rest.remove_prefix(size);
    return out;
  }
};

// RFC 4880 section 9.4.
std::string hash_name(std::uint32_t number) {
  static constexpr std::array<std::string_view, 12> names{
      "", "MD5", "SHA1", "RIPEMD160", "", "", "", "", "SHA256", "SHA384", "SHA512", "SHA224"};
  if (number < names.size() && !names[number].empty()) return std::string(names[number]);
  return fmt::format("hash {}", number);
}

std::string upper_hex(std::string_view bytes) {
  std::string out = to_hex(bytes);
  for (char& c : out)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

Instant instant_of(std::uint32_t seconds) { return Instant(std::chrono::seconds(seconds)); }

// Subpackets of a version 4 signature, section 5.2.3.1.
void read_subpackets(std::string_view area, PgpSignature& into) {
  Bytes bytes{area};
  for (std::size_t i = 0; i < max_subpackets && bytes.good && !bytes.rest.empty(); ++i) {
    std::uint32_t size = bytes.number(1);
    if (size == 255) {
      size = bytes.number(4);
    } else if (size >= 192) {
      size = ((size - 192) << 8) + bytes.number(1) + 192;
    }
    std::string_view body = bytes.take(size);
    if (body.empty()) continue;
    const unsigned type = static_cast<unsigned char>(body.front()) & 0x7fU;
    body.remove_prefix(1);
    if (type == 2 && body.size() == 4) into.made = instant_of(Bytes{body}.number(4));
    if (type == 16 && body.size() == 8 && into.key_id.size() < 40) into.key_id = upper_hex(body);
    if (type == 33 && body.size() == 21) into.key_id = upper_hex(body.substr(1));
  }
}

Result<PgpSignature> read_signature(std::string_view body) {
  Bytes bytes{body};
  PgpSignature out;
  const std::uint32_t version = bytes.number(1);
  if (version == 3) {
    bytes.take(2);
    out.made = instant_of(bytes.number(4));
    out.key_id = upper_hex(bytes.take(8));
    bytes.take(1);
    out.hash = hash_name(bytes.number(1));
  } else if (version == 4) {
    bytes.take(2);
    out.hash = hash_name(bytes.number(1));
    for (int area = 0; area < 2; ++area) {  // the hashed one, then the other
      const std::uint32_t size = bytes.number(2);
      read_subpackets(bytes.take(size), out);
    }
  } else {
    return refuse(fmt::format("a signature of version {} is not known", version));
  }
  if (!bytes.good) return refuse("a signature in it is cut");
  return out;
}

Result<std::vector<PgpSignature>> read_packets(std::string_view packets) {
  std::vector<PgpSignature> out;
  Bytes bytes{packets};
  while (!bytes.rest.empty()) {
    const std::uint32_t head = bytes.number(1);
    if ((head & 0x80U) == 0 || out.size() >= max_signatures) return refuse("its signature cannot be read");
    std::uint32_t tag = head & 0x3fU, size = 0;
    if ((head & 0x40U) != 0) {  // the new format, section 4.2.2
      size = bytes.number(1);
      if (size == 255) {
        size = bytes.number(4);
      } else if (size >= 224) {
        return refuse("its signature comes in parts");
      } else if (size >= 192) {
        size = ((size - 192) << 8) + bytes.number(1) + 192;
      }
    } else {
      tag >>= 2;
      const std::uint32_t kind = head & 3U;
      if (kind == 3) return refuse("its signature has no length");
      size = bytes.number(std::size_t{1} << kind);
    }
    const std::string_view body = bytes.take(size);
    if (!bytes.good) return refuse("its signature is cut");
    if (tag == 2) out.push_back(TRY(read_signature(body)));
  }
  if (out.empty()) return refuse("there is no signature in it");
  return out;
}

// The armor's lines up to its end (section 6.2), the first being behind the BEGIN line.
Result<std::vector<PgpSignature>> read_armor(Lines& lines) {
  std::string base64;
  bool body = false, checked = false;
  while (true) {
    const auto line = lines.next();
    if (!line) return refuse("its signature has no end");
    const std::string_view text = without_blanks_at_end(*line);
    if (text == end_signature) break;
    if (!body) {  // headers such as "Version: ...", then an empty line
      body = text.empty();
      if (!body && text.find(": ") == text.npos) return refuse("its signature cannot be read");
    } else if (text.starts_with('=')) {
      checked = true;
    } else if (checked) {
      return refuse("its signature cannot be read");
    } else {
      base64 += text;
    }
  }
  const auto packets = from_base64(base64);
  if (!packets) return refuse("its signature cannot be read");
  while (const auto line = lines.next())
    if (!trim(*line).empty()) return refuse("something follows the signature");
  return read_packets(*packets);
}

}  // namespace

Result<Clearsigned> parse_clearsigned(std::string_view bytes) {
  if (bytes.size() > max_clearsigned_bytes)
    return refuse(fmt::format("it has more than {} bytes", max_clearsigned_bytes));
  Lines lines(bytes);
  const auto first = lines.next();
  if (!first || without_blanks_at_end(*first) != begin_message)
    return refuse("it does not begin as a signed text does");
  while (true) {  // "Hash: SHA512" is the only header that may stand here
    const auto line = lines.next();
    if (!line) return refuse("it is cut");
    if (without_blanks_at_end(*line).empty()) break;
    if (!line->starts_with("Hash: ")) return refuse("a header that is none stands before the text");
  }
  Clearsigned out;
  while (true) {
    const auto line = lines.next();
    if (!line) return refuse("it has no signature");
    std::string_view text = *line;
    if (without_blanks_at_end(text) == begin_signature) break;
    if (text.starts_with("- ")) {
      text.remove_prefix(2);
    } else if (text.starts_with('-')) {
      return refuse("a line of the text begins with '-' and is not escaped");
    }
    out.text += without_blanks_at_end(text);
    out.text += '\n';
  }
  out.signatures = TRY(read_armor(lines));
  return out;
}

Result<std::vector<PgpSignature>> parse_detached(std::string_view armored) {
  if (armored.size() > max_clearsigned_bytes)
    return refuse(fmt::format("it has more than {} bytes", max_clearsigned_bytes));
  Lines lines(armored);
  const auto first = lines.next();
  if (!first || without_blanks_at_end(*first) != begin_signature) return refuse("it is no armored signature");
  return read_armor(lines);
}

bool is_weak_hash(std::string_view name) { return name == "MD5" || name == "SHA1" || name == "RIPEMD160"; }

}  // namespace tranche::signing
