// Slash-separated paths as text. Nothing here looks at a disk: symlinks are the Files port's business
// (real_path).
#pragma once

#include <string>
#include <string_view>

namespace tranche {

// "a/b" for ("a", "b"); `path` alone when it is absolute or `directory` is empty.
std::string join_path(std::string_view directory, std::string_view path);
// Without empty and "." segments, ".." applied; a relative path may begin with "..", an absolute one never
// does.
// "" and "." are ".".
std::string normal_path(std::string_view path);
std::string base_name(std::string_view path);       // what follows the last '/'
std::string directory_name(std::string_view path);  // what precedes it: "." for a bare name, "/" for "/x"
// `path` is `root` or below it; both are compared segment by segment after normal_path.
bool is_within(std::string_view root, std::string_view path);

}  // namespace tranche
