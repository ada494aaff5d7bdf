#include "actions/edit_file.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::actions {
namespace {

using doc::Value;

constexpr doc::Limits file_limits{std::size_t{8} << 20, 64, 500'000};

struct Part {
  std::string key;  // of a map; or
  bool is_index = false;
  std::size_t index = 0;  // of a list
};

std::unexpected<Error> bad_key(std::string_view key) {
  return fail_hint(ErrorKind::invalid,
                   "write it like spec.template.image, images[0].tag or labels[\"a.b/c\"]",
                   "'{}' is no key of a file", printable(key));
}

// a.b[0]["c.d"]
Result<std::vector<Part>> parse_key(const std::string& key) {
  std::vector<Part> parts;
  std::size_t i = 0;
  while (i < key.size()) {
    if (key[i] == '[') {
      const bool quoted = i + 1 < key.size() && key[i + 1] == '"';
      const std::size_t end = quoted ? key.find("\"]", i + 2) : key.find(']', i);
      if (end == std::string::npos) return bad_key(key);
      if (quoted) {
        parts.push_back({key.substr(i + 2, end - i - 2)});
        i = end + 2;
      } else {
        const auto index = parse_u64(std::string_view(key).substr(i + 1, end - i - 1));
        if (!index || *index > 1'000'000) return bad_key(key);
        parts.push_back({{}, true, static_cast<std::size_t>(*index)});
        i = end + 1;
      }
    } else {
      const std::size_t end = std::min(key.find_first_of(".[", i), key.size());
      if (end == i) return bad_key(key);
      parts.push_back({key.substr(i, end - i)});
      i = end;
    }
    if (i < key.size() && key[i] == '.' && ++i == key.size()) return bad_key(key);
  }
  if (parts.empty() || parts.size() > 64) return bad_key(key);
  return parts;
}

// Null: no such key. `last` is how far it got, for the hint.
const Value* walk(const Value& root, const std::vector<Part>& parts, const Value** last = nullptr) {
  const Value* here = &root;
  for (const Part& part : parts) {
    if (last != nullptr) *last = here;
    if (part.is_index)
      here =
          here->is_array() && part.index < here->as_array().size() ? &here->as_array()[part.index] : nullptr;
    else
      here = here->find(part.key);
    if (here == nullptr) return nullptr;
  }
  return here;
}

struct Piece {  // one document of a file
  std::size_t begin = 0, end = 0;
};

// YAML 1.2.2 section 9.1.4: "---" at the beginning of a line begins a document, also inside a scalar.
std::vector<Piece> documents_of(const std::string& text) {
  std::vector<Piece> pieces{{0, text.size()}};
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t next = std::min(text.find('\n', line), text.size() - 1) + 1;
    const std::string_view words = trim(std::string_view(text).substr(line, next - line));
    if (words == "---" && text[line] == '-') {
      pieces.back().end = line;
      pieces.push_back({next, text.size()});
    }
    line = next;
  }
  return pieces;
}

bool is_json(const std::string& file) { return lower(file).ends_with(".json"); }

Result<Value> parse(const std::string& file, const std::string& text) {
  return is_json(file) ? doc::parse_json(text, file, file_limits) : doc::parse_yaml(text, file, file_limits);
}

struct Found {
  Piece piece;
  Value root;
  std::vector<Part> parts;
  const Value* value = nullptr;  // in root
};

Result<Found> find_value(const std::string& file, const std::string& text, const std::string& key) {
  Found found;
  found.parts = TRY(parse_key(key));
  const std::vector<Piece> pieces = is_json(file) ? std::vector<Piece>{{0, text.size()}} : documents_of(text);
  std::vector<std::string> near;
  int times = 0;
  for (const Piece& piece : pieces) {
    Value root = TRY(parse(file, text.substr(piece.begin, piece.end - piece.begin)));
    const Value* last = nullptr;
    if (walk(root, found.parts, &last) != nullptr) {
      ++times;
      found.piece = piece;
      found.root = std::move(root);
    } else if (last != nullptr && last->is_object()) {
      for (const doc::Member& member : last->as_object()) near.push_back(member.key);
    }
  }
  if (times == 0) {
    std::string wanted;
    for (const Part& part : found.parts)
      if (!part.is_index) wanted = part.key;
    const std::string guess = nearest(wanted, near);
    return fail_hint(ErrorKind::invalid,
                     guess.empty() ? "write the value there by hand first" : "did you mean '" + guess + "'?",
                     "'{}' has no key '{}'", printable(file), printable(key));
  }
  if (times > 1)
    return fail_hint(ErrorKind::invalid, "put the documents into files of their own",
                     "{} documents of '{}' have the key '{}'", times, printable(file), printable(key));
  found.value = walk(found.root, found.parts);
  if (found.value->is_array() || found.value->is_object())
    return fail_hint(ErrorKind::invalid, "name the value itself", "'{}' in '{}' is {}", printable(key),
                     printable(file), found.value->kind_name());
  return found;
}

std::size_t offset_of(const std::string& text, const doc::Place& place) {
  std::size_t line_start = 0;
  for (int line = 1; line < place.line; ++line) {
    const std::size_t next = text.find('\n', line_start);
    if (next == std::string::npos) return std::string::npos;
    line_start = next + 1;
  }
  return line_start + static_cast<std::size_t>(std::max(0, place.column - 1));
}

// Bytes of the scalar that begins at `from`; 0: it is none that can be replaced.
std::size_t scalar_length(std::string_view text, std::size_t from, bool in_flow) {
  if (from >= text.size()) return 0;
  const char first = text[from];
  if (first == '"' || first == '\'') {
    for (std::size_t i = from + 1; i < text.size() && text[i] != '\n'; ++i) {
      if (first == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == first) {
        if (first == '\'' && i + 1 < text.size() && text[i + 1] == '\'')
          ++i;
        else
          return i + 1 - from;
      }
    }
    return 0;
  }
  if (std::string_view("|>&!").find(first) != std::string_view::npos) return 0;
  std::size_t end = from;
  while (end < text.size() && text[end] != '\n' && text[end] != '\r') {
    const char c = text[end];
    if (in_flow && (c == ',' || c == ']' || c == '}')) break;
    if (c == '#' && end > from && (text[end - 1] == ' ' || text[end - 1] == '\t')) break;
    ++end;
  }
  while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  return end - from;
}

// Whether a plain scalar with this text means `wanted` in both kinds of YAML context.
bool is_plain(const std::string& text, const Value& wanted) {
  if (text.empty() || text.find_first_of("\n\r,[]{}#:\"'`") != std::string::npos) {
    // "notes:1.0" is plain in YAML: a colon ends a key only before a blank.
    const bool only_colons = !text.empty() && text.find_first_of("\n\r,[]{}#\"'`") == std::string::npos &&
                             text.find(": ") == std::string::npos && !text.ends_with(':');
    if (!only_colons) return false;
  }
  const auto read = doc::parse_yaml("[" + text + "]", "a value");
  return read && read->is_array() && read->as_array().size() == 1 && read->as_array()[0] == wanted;
}

std::string write_literal(const std::string& file, const Value& old, const std::string& old_text,
                          const std::string& value) {
  const auto meaning = doc::parse_json(value, "a value");
  const bool same_type =
      meaning && ((meaning->is_number() && old.is_number()) || (meaning->is_bool() && old.is_bool()));
  if (same_type) return value;
  if (!is_json(file)) {
    if (old_text.starts_with('\'') && value.find_first_of("'\n\r") == std::string::npos)
      return "'" + value + "'";
    if (!old_text.starts_with('"') && is_plain(value, value)) return value;
  }
  return doc::to_json(Value(value));  // a double-quoted scalar of YAML takes JSON's escapes
}

bool set_at(Value& root, const std::vector<Part>& parts, Value value) {
  Value* here = &root;
  for (const Part& part : parts) {
    if (part.is_index)
      here =
          here->is_array() && part.index < here->as_array().size() ? &here->as_array()[part.index] : nullptr;
    else
      here = here->find(part.key);
    if (here == nullptr) return false;
  }
  *here = std::move(value);
  return true;
}

}  // namespace

Result<std::string> edit_text(const std::string& file, const std::string& text, const std::string& key,
                              const std::string& value) {
  if (!is_valid_utf8(value) || value.find('\0') != std::string::npos)
    return fail_hint(ErrorKind::invalid, "write UTF-8", "the new value for '{}' is no text", printable(file));
  if (key.empty()) return value.ends_with('\n') || value.empty() ? value : value + "\n";
  const Found found = TRY(find_value(file, text, key));
  const std::string piece = text.substr(found.piece.begin, found.piece.end - found.piece.begin);
  const std::size_t from = offset_of(piece, found.value->place);
  const auto fails = [&] {
    return fail_hint(ErrorKind::invalid, "write it as one plain or quoted value on one line, or use run",
                     "'{}' in '{}' cannot be replaced safely", printable(key), printable(file));
  };
  for (const bool in_flow : {false, true}) {
    const std::size_t length = scalar_length(piece, from, in_flow || is_json(file));
    if (length == 0) continue;
    const std::string literal = write_literal(file, *found.value, piece.substr(from, length), value);
    std::string edited = piece.substr(0, from) + literal + piece.substr(from + length);
    const auto meaning = parse(file, edited);
    if (!meaning) continue;
    // The same document but for this value, or the bytes were not what they seemed.
    const Value* now = walk(*meaning, found.parts);
    if (now == nullptr || now->is_array() || now->is_object()) continue;
    const bool is_text = now->is_string() && now->as_string() == value;
    const bool is_other = !now->is_string() && literal == value;
    Value expected = found.root;
    if (!(is_text || is_other) || !set_at(expected, found.parts, *now) || !(expected == *meaning)) continue;
    return text.substr(0, found.piece.begin) + edited + text.substr(found.piece.end);
  }
  return fails();
}

Result<std::string> value_in_text(const std::string& file, const std::string& text, const std::string& key) {
  if (key.empty()) return std::string(trim(text));
  const Found found = TRY(find_value(file, text, key));
  return found.value->is_string() ? found.value->as_string() : doc::to_json(*found.value);
}

Result<std::vector<store::WorkFile>> edit_files(const std::vector<FileEdit>& edits,
                                                const store::GitWork::Read& read) {
  std::vector<store::WorkFile> files;
  for (const FileEdit& edit : edits) {
    auto file = std::ranges::find(files, edit.file, &store::WorkFile::path);
    if (file == files.end()) {
      const auto there = TRY(read(edit.file));
      if (!there && !edit.key.empty())
        return fail_hint(ErrorKind::invalid, "check the path and the branch", "there is no file '{}' to edit",
                         printable(edit.file));
      files.push_back({edit.file, there.value_or("")});
      file = files.end() - 1;
    }
    file->bytes = TRY(edit_text(edit.file, file->bytes, edit.key, edit.value));
  }
  return files;
}

Result<std::vector<FileEdit>> edits_from(const Value& edits) {
  if (!edits.is_array() || edits.as_array().empty())
    return fail_hint(ErrorKind::invalid, "write edits: [{ file: PATH, key: KEY, value: VALUE }]",
                     "there are no edits");
  std::vector<FileEdit> out;
  for (const Value& one : edits.as_array()) {
    FileEdit edit;
    edit.file = TRY(one.text("file"));
    edit.key = TRY(one.text_or("key", ""));
    edit.value = TRY(one.text("value"));
    out.push_back(std::move(edit));
  }
  return out;
}

}  // namespace tranche::actions
