// `sign --format notary`: Apple's notary service is asked about a file, and its answer waited for.
#pragma once

#include <vector>

#include "commands/command.hpp"

namespace tranche::commands {

// --key-id --issuer --patience --notary-url --notary-bucket-url
std::vector<Flag> notary_flags();

// --key REF --key-id ID --issuer ID FILE...: FILE.notary.json remembers the submission, FILE.notary-log.json
// has what the service found. Exit 0 when all are accepted, 6 when one is not, 8 when one is still in
// progress.
Result<Outcome> notarize_files(const Options& options, Context& context);

}  // namespace tranche::commands
