// The small grammars inside strings of tranche.yaml: paths, secret references, queries, urls, windows.
// Each check returns what is wrong as an Error of kind invalid with a hint; none touches the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::spec {

// Relative, no '..', no backslash, no drive, not empty: a path that stays inside the repository.
Result<> check_repository_path(std::string_view path);
// The same for artifacts, where {version} may stand.
Result<> check_artifact_path(std::string_view path);
Result<> check_image(std::string_view image);
Result<> check_platform(std::string_view platform);
Result<> check_name(std::string_view name);
// A remote's name, a path or a url without a password.
Result<> check_git_remote(std::string_view remote);
Result<> check_http_url(std::string_view url);
Result<> check_version_text(std::string_view version);
Result<> check_window(std::string_view window);
Result<> check_days(std::string_view days);
Result<> check_heartbeat(std::string_view text);  // a url, or a secret reference to one
Result<> check_device_id(std::string_view id);
Result<> check_git_branch(std::string_view branch);
// env:TRANCHE_NAME or file:PATH outside the repository. The message never holds the text.
Result<> check_secret_reference(std::string_view reference, bool with_pkcs11);

// The variables that a query may hold.
const std::vector<std::string>& query_variables();
// Every $name is one of ours; no ${name}, no $$.
Result<> check_query(std::string_view query);
bool query_uses(std::string_view query, std::string_view variable);  // "$arm"

// a/./b//c -> a/b/c; ".." is resolved as far as possible. Lexical.
std::string normal_path(std::string_view path);

}  // namespace tranche::spec
