#include "store/s3_xml.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "base/text.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_bytes = 16 << 20;
constexpr std::size_t max_elements = 200'000;  // a listing's page has 1,000 keys of some ten elements
constexpr int max_depth = 16;

bool is_name_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == ':' || byte >= 0x80;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<XmlElement> document() {
    if (rest().starts_with("\xEF\xBB\xBF")) at_ += 3;
    skip_blanks();
    if (rest().starts_with("<?xml")) {
      const auto end = rest().find("?>");
      if (end == std::string_view::npos) return bad("its declaration does not end");
      at_ += end + 2;
    }
    skip_blanks();
    XmlElement root = TRY(element(0));
    skip_blanks();
    if (at_ != text_.size()) return bad("something follows its root element");
    return root;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!done() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  [[nodiscard]] std::unexpected<Error> bad(std::string_view why) const {
    return fail_hint(ErrorKind::verification, "see that the endpoint is an S3 server and no web page",
                     "the answer is no XML that S3 writes: {} (byte {})", why, at_);
  }

  Result<std::string> name() {
    const std::size_t from = at_;
    while (!done() && is_name_byte(text_[at_])) ++at_;
    if (at_ == from) return bad("a name is missing");
    return std::string(text_.substr(from, at_ - from));
  }

  // Attributes say nothing that is needed here; they are read to find their end.
  Result<> attributes() {
    while (true) {
      skip_blanks();
      if (done()) return bad("a tag does not end");
      if (text_[at_] == '>' || text_[at_] == '/') return {};
      TRY(name());
      skip_blanks();
      if (done() || text_[at_] != '=') return bad("an attribute has no value");
      ++at_;
      skip_blanks();
      if (done() || (text_[at_] != '"' && text_[at_] != '\'')) return bad("an attribute is not quoted");
      const auto end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) return bad("an attribute does not end");
      at_ = end + 1;
    }
  }

  Result<> entity(std::string& out) {  // at '&'
    const auto end = rest().substr(0, 12).find(';');
    if (end == std::string_view::npos) return bad("an entity does not end");
    const std::string_view word = rest().substr(1, end - 1);
    at_ += end + 1;
    if (word == "amp")
      out.push_back('&');
    else if (word == "lt")
      out.push_back('<');
    else if (word == "gt")
      out.push_back('>');
    else if (word == "quot")
      out.push_back('"');
    else if (word == "apos")
      out.push_back('\'');
    else
      return number(word, out);
    return {};
  }
  Result<> number(std::string_view word, std::string& out) {
    if (!word.starts_with('#') || word.size() < 2 || word.size() > 8) return bad("an entity is not known");
    const bool hex = word[1] == 'x';
    std::uint32_t code = 0;
    for (const char c : word.substr(hex ? 2 : 1)) {
      const int digit = c >= '0' && c <= '9'          ? c - '0'
                        : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                      : -1;
      if (digit < 0) return bad("a character's number is broken");
      code = code * (hex ? 16U : 10U) + static_cast<std::uint32_t>(digit);
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) || word == "#x")
      return bad("a character's number is none");
    append_utf8(out, code);
    return {};
  }

  Result<XmlElement> element(int depth) {
    if (depth > max_depth) return bad("it is nested too deep");
    if (++count_ > max_elements) return bad("it has too many elements");
    if (done() || text_[at_] != '<') return bad("an element is missing");
    ++at_;
    XmlElement out;
    const std::string full = TRY(name());
    out.name = full.substr(full.rfind(':') + 1);  // npos + 1 = 0
    TRY(attributes());
    if (rest().starts_with("/>")) {
      at_ += 2;
      return out;
    }
    if (done() || text_[at_] != '>') return bad("a tag does not end");
    ++at_;
    while (true) {
      if (done()) return bad("an element does not end");
      if (text_[at_] == '&') {
        TRY(entity(out.text));
      } else if (text_[at_] != '<') {
        const auto end = std::min(text_.find_first_of("<&", at_), text_.size());
        out.text.append(text_.substr(at_, end - at_));
        at_ = end;
      } else if (rest().starts_with("</")) {
        at_ += 2;
        if (TRY(name()) != full) return bad("an element ends under another name");
        skip_blanks();
        if (done() || text_[at_] != '>') return bad("a tag does not end");
        ++at_;
        return out;
      } else {
        out.children.push_back(TRY(element(depth + 1)));
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view wanted) const {
  const auto found =
      std::find_if(children.begin(), children.end(), [&](const XmlElement& c) { return c.name == wanted; });
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::text_of(std::string_view wanted) const {
  const XmlElement* found = find(wanted);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> parse_xml(std::string_view bytes) {
  if (bytes.size() > max_bytes)
    return fail_hint(ErrorKind::verification, "see that the endpoint is an S3 server and no web page",
                     "an answer of {} bytes is no XML that S3 writes", bytes.size());
  return Parser(bytes).document();
}

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace tranche::store
