// `sign` and `verify` in the formats of others: signify, OpenPGP, and what platforms have inside their
// packages. No tranche.yaml is needed: keys are named on the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/checks.hpp"
#include "commands/command.hpp"

namespace tranche::commands {

// The formats, as --format has them.
std::vector<std::string> platform_formats();
bool is_platform_format(std::string_view format);

// Where secrets may not lie: the directory of the tranche.yaml that is found here, if any. Nothing else of
// that file is needed where keys are named on the command line.
std::string repository_here(Context& context);

// --certificate --timestamp
std::vector<Flag> platform_signing_flags();

// --key REF [--key-password REF] FILE...: signify writes FILE.sig, openpgp FILE.asc, apt InRelease and
// Release.gpg beside the Release of the suite that is named; authenticode, deb and rpm sign the file itself.
Result<Outcome> sign_for_platform(const Options& options, Context& context);
// --key PATH (authenticode: --authority PATH) [--signature PATH] FILE...
Result<> verify_for_platform(Checks& checks, const Options& options, Context& context);

}  // namespace tranche::commands
