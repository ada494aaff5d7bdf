// A release from tranche.yaml and what is built: artifacts collected and hashed, the SBOM made or taken.
#pragma once

#include <string>
#include <vector>

#include "actions/releases.hpp"
#include "artifact/collect.hpp"
#include "artifact/manifest.hpp"
#include "channel/ecosystem.hpp"
#include "commands/command.hpp"
#include "commands/support.hpp"
#include "sbom/sbom.hpp"

namespace tranche::commands {

std::vector<artifact::Pattern> artifact_patterns(const spec::App& app);
struct MadeSbom {
  std::string name;    // "sbom.cdx.json"
  std::string format;  // "cyclonedx-1.6"
  std::string bytes;
};
struct MadeSboms {
  std::vector<MadeSbom> documents;  // one a format; all of the same components
  std::vector<std::string> warnings;
  std::size_t components = 0;
};
// The SBOMs of an app's artifacts as `sbom:` says: made here in each of its formats, or the file that was
// made elsewhere, when it is valid.
Result<MadeSboms> make_sboms(Context& context, const Loaded& loaded, const std::string& version,
                             Instant created, const std::vector<artifact::Artifact>& artifacts);
// What make_sboms catalogs.
sbom::Request sbom_request(const Loaded& loaded, const std::string& version,
                           const std::vector<artifact::Artifact>& artifacts);
// What each feed of the app's channels must know of the artifacts (channel/ecosystem.hpp): other digests,
// control files, the signatures that its clients check. Feeds that find nothing of theirs among the artifacts
// are left out; `notes` says so.
struct MadeFeeds {
  std::vector<artifact::Document> documents;
  std::vector<actions::DocumentBytes> bytes;
  std::vector<std::string> notes;
};
Result<MadeFeeds> make_feeds(Context& context, const Loaded& loaded, const std::string& version,
                             Instant created, const std::vector<artifact::Artifact>& artifacts);
// SOURCE_DATE_EPOCH, else now: a release made twice from the same input is the same.
Instant build_time(Context& context);

}  // namespace tranche::commands
