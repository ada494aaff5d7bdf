// What a file is by its first bytes, so that a signature is neither put into nor sought in the wrong kind of
// file.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ports/ports.hpp"

namespace tranche::platform {

enum class FileKind { unknown, empty, deb, rpm, program, installer, cabinet, archive };

FileKind kind_of(std::string_view first_bytes);
// "an .rpm package"; "of no known kind"
std::string_view describe(FileKind kind);

// Why `format` (authenticode, deb, rpm, notary) cannot be of this file; empty: it can. Kinds that are not
// known are left to the format's own tool, except where the format has one kind only. Errors: no such file,
// no regular file.
Result<std::string> find_mismatch(ports::Files& files, const std::string& path, std::string_view format);

}  // namespace tranche::platform
