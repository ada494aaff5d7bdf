#include "base/deb822.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr const char* repair = "make the file again with the tool that wrote it";

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lowered(x) == lowered(y); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(blanks);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

bool is_field_name(std::string_view name) {
  if (name.empty() || name.front() == '-' || name.front() == '#') return false;
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

class Reader {
 public:
  Reader(std::string_view text, const Deb822Limits& limits) : text_(text), limits_(limits) {}

  Result<std::vector<Deb822Stanza>> run() {
    if (text_.find('\0') != text_.npos) return refuse("there is a NUL byte in it");
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      const std::string_view line = text_.substr(at_, end - at_);
      ++line_;
      if (trimmed(line).empty()) {
        TRY(end_stanza());
      } else {
        if (stanza_start_ == text_.npos) stanza_start_ = at_;
        stanza_end_ = end;
        TRY(line.front() == ' ' || line.front() == '\t' ? continue_field() : begin_field(line));
      }
      at_ = end + 1;
    }
    TRY(end_stanza());
    return std::move(stanzas_);
  }

 private:
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail_hint(ErrorKind::invalid, repair, "line {}: {}", line_, what);
  }

  Result<> continue_field() {
    if (stanza_.fields.empty()) return refuse("it continues a field, and there is none before it");
    return {};
  }

  Result<> begin_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_field_name(line.substr(0, colon)))
      return refuse(fmt::format("'{}' is no field", printable(line, 60)));
    const std::string_view name = line.substr(0, colon);
    if (stanza_.find(name)) return refuse(fmt::format("the field '{}' stands twice", printable(name, 60)));
    if (stanza_.fields.size() >= limits_.max_fields)
      return refuse(fmt::format("a stanza has more than {} fields", limits_.max_fields));
    end_field();
    value_start_ = at_ + colon + 1;
    stanza_.fields.push_back({name, {}});
    return {};
  }

  // A value ends where the next field, or the stanza's end, begins.
  void end_field() {
    if (stanza_.fields.empty()) return;
    const std::size_t end = std::max(std::min(at_, stanza_end_), value_start_);
    stanza_.fields.back().value = trimmed(text_.substr(value_start_, end - value_start_));
  }

  Result<> end_stanza() {
    if (stanza_start_ == text_.npos) return {};
    end_field();
    stanza_.text = text_.substr(stanza_start_, stanza_end_ - stanza_start_);
    if (stanza_.text.ends_with('\r')) stanza_.text.remove_suffix(1);
    if (stanza_.text.size() > limits_.max_stanza_bytes)
      return refuse(fmt::format("a stanza has more than {} bytes", limits_.max_stanza_bytes));
    if (stanzas_.size() >= limits_.max_stanzas)
      return refuse(fmt::format("there are more than {} stanzas", limits_.max_stanzas));
    stanzas_.push_back(std::move(stanza_));
    stanza_ = {};
    stanza_start_ = text_.npos;
    return {};
  }

  std::string_view text_;
  const Deb822Limits& limits_;
  std::size_t at_ = 0, line_ = 0;
  std::size_t stanza_start_ = std::string_view::npos, stanza_end_ = 0, value_start_ = 0;
  Deb822Stanza stanza_;
  std::vector<Deb822Stanza> stanzas_;
};

}  // namespace

std::optional<std::string_view> Deb822Stanza::find(std::string_view name) const {
  for (const Deb822Field& field : fields)
    if (field.name.size() == name.size() && same_name(field.name, name)) return field.value;
  return std::nullopt;
}

Result<std::vector<Deb822Stanza>> parse_deb822(std::string_view text, const Deb822Limits& limits) {
  return Reader(text, limits).run();
}

std::vector<std::string_view> value_lines(std::string_view value) {
  std::vector<std::string_view> lines;
  for (const std::string_view line : split(value, '\n'))
    if (const std::string_view content = trimmed(line); !content.empty()) lines.push_back(content);
  return lines;
}

std::vector<std::string_view> value_words(std::string_view value) {
  std::vector<std::string_view> words;
  for (std::size_t at = value.find_first_not_of(blanks); at < value.size();) {
    const std::size_t end = std::min(value.find_first_of(blanks, at), value.size());
    words.push_back(value.substr(at, end - at));
    at = value.find_first_not_of(blanks, end);
  }
  return words;
}

}  // namespace tranche
