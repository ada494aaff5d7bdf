// 100,000 records are read in a second only when no tree is made of those that are about other packages. This
// pass walks the text once: strings by memchr, everything else by one switch. It refuses what JSON does not
// allow, so that a record that was cut short is never taken for one that is about nothing.
#include <cstring>

#include "base/text.hpp"
#include "vuln/osv.hpp"

namespace tranche::vuln {
namespace {

constexpr int max_depth = 64;

class Skimmer {
 public:
  Skimmer(std::string_view text, const Wanted& wanted)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()), wanted_(wanted) {}

  // False: no record; `problem` and `offset` say why and where.
  bool run(Skimmed& into) {
    blanks();
    bool has_id = false;
    const bool read = members([&](std::string_view key) {
      if (key == "id") return has_id = at_ < end_ && *at_ == '"', value(0);
      if (key == "affected") return elements([&] { return affected(into); });
      if (key == "withdrawn") {
        into.withdrawn = into.withdrawn || (at_ < end_ && *at_ == '"');
        return value(0);
      }
      if (key == "modified" && at_ < end_ && *at_ == '"') return string(into.modified);
      return value(0);
    });
    if (!read) return false;
    blanks();
    if (at_ != end_) return refuse("bytes behind the record");
    if (!has_id) problem_ = "a record without an id";
    return has_id;
  }

  [[nodiscard]] const char* problem() const { return problem_; }
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  bool refuse(const char* problem) {
    if (problem_ == nullptr) problem_ = at_ == end_ ? "the record ends too early" : problem;
    return false;
  }
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    if (at_ < end_ && *at_ == c) return ++at_, true;
    return false;
  }

  // The text between the quotes, escapes as they stand.
  bool string(std::string_view& raw) {
    if (!take('"')) return refuse("no string where there must be one");
    const char* const start = at_;
    const auto find = [&](char c, const char* from, const char* to) {
      return static_cast<const char*>(std::memchr(from, c, static_cast<std::size_t>(to - from)));
    };
    const char* quote = find('"', at_, end_);
    while (quote != nullptr) {
      const char* const escape = find('\\', at_, quote);
      if (escape == nullptr) break;
      at_ = escape + 2;
      if (escape + 1 == quote) quote = at_ < end_ ? find('"', at_, end_) : nullptr;
    }
    if (quote == nullptr) return at_ = end_, refuse("a string without an end");
    raw = {start, static_cast<std::size_t>(quote - start)};
    at_ = quote + 1;
    return true;
  }

  template <class Each>
  bool members(Each each) {
    if (!take('{')) return refuse("no map where there must be one");
    blanks();
    if (take('}')) return true;
    while (true) {
      blanks();
      std::string_view raw;
      if (!string(raw)) return false;
      blanks();
      if (!take(':')) return refuse("no ':' behind a key");
      blanks();
      if (raw.find('\\') == raw.npos ? !each(raw) : !each(unescape(raw))) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return refuse("no ',' between members");
    }
  }
  template <class Each>
  bool elements(Each each) {
    if (at_ < end_ && *at_ == 'n') return value(0);
    if (!take('[')) return refuse("no list where there must be one");
    blanks();
    if (take(']')) return true;
    while (true) {
      blanks();
      if (!each()) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return refuse("no ',' between elements");
    }
  }

  bool value(int depth) {
    if (depth > max_depth) return refuse("nested too deeply");
    if (at_ == end_) return refuse("the record ends too early");
    std::string_view raw;
    switch (*at_) {
      case '"':
        return string(raw);
      case '{':
        return members([&](std::string_view) { return value(depth + 1); });
      case '[':
        return elements([&] { return value(depth + 1); });
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  bool word(std::string_view text) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(text))
      return refuse("no value where there must be one");
    at_ += text.size();
    return true;
  }
  bool number() {
    const char* const start = at_;
    while (at_ < end_ && ((*at_ >= '0' && *at_ <= '9') || *at_ == '-' || *at_ == '+' || *at_ == '.' ||
                          *at_ == 'e' || *at_ == 'E'))
      ++at_;
    return at_ != start || refuse("no value where there must be one");
  }

  bool affected(Skimmed& into) {
    return members([&](std::string_view key) {
      if (key != "package" || at_ == end_ || *at_ == 'n') return value(1);
      std::string ecosystem, name, purl;
      const bool read = members([&](std::string_view member) {
        std::string* const target = member == "ecosystem" ? &ecosystem
                                    : member == "name"    ? &name
                                    : member == "purl"    ? &purl
                                                          : nullptr;
        if (target == nullptr || at_ == end_ || *at_ != '"') return value(2);
        std::string_view raw;
        if (!string(raw)) return false;
        // A repeated member: what it said before counts too. Escapes in a name are left to the second pass.
        into.wanted = into.wanted || raw.find('\\') != raw.npos ||
                      (!target->empty() && wanted_.has(ecosystem, name, purl));
        *target = std::string(raw);
        return true;
      });
      into.wanted = into.wanted || wanted_.has(ecosystem, name, purl);
      return read;
    });
  }

  // Of a key. What is beyond ASCII becomes '?': no key that is looked for has it.
  static std::string unescape(std::string_view raw) {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\' || i + 1 == raw.size()) {
        out += raw[i];
        continue;
      }
      const char c = raw[++i];
      if (c != 'u') {
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
        continue;
      }
      unsigned code = 0;
      for (int digit = 0; digit < 4 && i + 1 < raw.size(); ++digit) {
        const char h = raw[++i];
        code = code * 16 + static_cast<unsigned>(h >= '0' && h <= '9'   ? h - '0'
                                                 : h >= 'a' && h <= 'f' ? h - 'a' + 10
                                                 : h >= 'A' && h <= 'F' ? h - 'A' + 10
                                                                        : 0);
      }
      out += code < 0x80 ? static_cast<char>(code) : '?';
    }
    return out;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const Wanted& wanted_;
  const char* problem_ = nullptr;
};

}  // namespace

Result<Skimmed> skim_osv(std::string_view text, const Wanted& wanted) {
  Skimmed out;
  if (text.size() > max_record_bytes)
    return fail_hint(ErrorKind::invalid, "leave it out", "more than {} bytes", max_record_bytes);
  Skimmer skimmer(text, wanted);
  if (!skimmer.run(out))
    return fail_hint(ErrorKind::invalid,
                     "get the record again; --lenient passes over records that cannot be read",
                     "{} (byte {})", skimmer.problem(), skimmer.offset());
  return out;
}

}  // namespace tranche::vuln
