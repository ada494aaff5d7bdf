// Changes of single values in files that people wrote: only the bytes of the value change, comments, order
// and style stay. What the file then says is read again and compared: anything but that one value changed is
// an error, never a commit.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "store/git_work.hpp"

namespace tranche::actions {

struct FileEdit {
  std::string file;   // path in the repository
  std::string key;    // "spec.template.image", "images[0].tag", "labels[\"a.b/c\"]"; empty: the whole file
  std::string value;  // a text; where a number or a boolean stood, and it is one, it stays one
};

// `text` with the value at `key` replaced. By the file's name: .json is JSON, all else YAML (several
// documents in one file: the one that has the key). kind invalid: no such key (the file never grows), a value
// that is no single-line scalar, a file that cannot be read strictly.
Result<std::string> edit_text(const std::string& file, const std::string& text, const std::string& key,
                              const std::string& value);

// What stands at `key` now, as text.
Result<std::string> value_in_text(const std::string& file, const std::string& text, const std::string& key);

// All edits of all files; several may be in one. `read` as store::GitWork has it. kind invalid: a file that
// is not there, but for an edit of the whole file.
Result<std::vector<store::WorkFile>> edit_files(const std::vector<FileEdit>& edits,
                                                const store::GitWork::Read& read);

// The argument `edits` of a step: [{ file, key, value }].
Result<std::vector<FileEdit>> edits_from(const doc::Value& edits);

}  // namespace tranche::actions
