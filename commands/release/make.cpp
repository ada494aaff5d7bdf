#include "commands/release/make.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sbom/read.hpp"
#include "sbom/subject.hpp"
#include "sbom/write.hpp"

namespace tranche {
extern const char* const version_text;  // made by cli/version.cmake
}

namespace tranche::commands {
std::vector<artifact::Pattern> artifact_patterns(const spec::App& app) {
  std::vector<artifact::Pattern> patterns;
  for (const spec::Artifact& item : app.artifacts)
    patterns.push_back({item.path, item.platform, item.kind, item.place});
  return patterns;
}

Instant build_time(Context& context) {
  const auto epoch = context.world.environ.get("SOURCE_DATE_EPOCH");
  const auto seconds = epoch ? parse_u64(*epoch) : std::nullopt;
  if (seconds && *seconds < 253'402'300'800)
    return Instant{std::chrono::seconds(*seconds)};  // before the year 10000
  return std::chrono::floor<std::chrono::seconds>(context.world.clock.now());
}

sbom::Request sbom_request(const Loaded& loaded, const std::string& version,
                           const std::vector<artifact::Artifact>& artifacts) {
  sbom::Request request;
  request.app = loaded.app().name;
  request.version = version;
  request.repository = loaded.repository();
  request.scan = loaded.app().sbom.scan;
  for (const artifact::Artifact& item : artifacts) request.artifacts.push_back(item.path);
  return request;
}

Result<MadeSboms> make_sboms(Context& context, const Loaded& loaded, const std::string& version,
                             Instant created, const std::vector<artifact::Artifact>& artifacts) {
  const spec::Sbom& wanted = loaded.app().sbom;
  MadeSboms made;
  if (!wanted.file.empty()) {
    const std::string path = loaded.repository() + "/" + wanted.file;
    if (!TRY(context.world.files.info(path)))
      return fail_hint(ErrorKind::failed, "make it first, or correct `sbom: file:` in tranche.yaml",
                       "there is no SBOM '{}'", printable(wanted.file));
    std::string bytes = TRY(read_input(context, path, sbom::max_bom_bytes));
    const sbom::Bom bom = TRY(sbom::read_bom(bytes, wanted.file));
    std::vector<sbom::ShippedFile> shipped;
    for (const artifact::Artifact& item : artifacts) shipped.push_back({item.name, item.sha256});
    TRY_WHILE("binding " + printable(wanted.file), sbom::check_subject(bom.catalog, shipped));
    if (const std::string& named = bom.catalog.main.version;
        !named.empty() && named != version && !named.starts_with("sha256:"))
      made.warnings.push_back(fmt::format("{} says it is of version {}, and this is {}",
                                          printable(wanted.file), printable(named, 80), version));
    made.components = bom.catalog.components.size();
    made.documents.push_back({sbom::bom_file_name(bom.format), bom.format, std::move(bytes)});
    return made;
  }
  const sbom::Catalog catalog = TRY_WHILE(
      "making the SBOM", sbom::make_catalog(context.world, sbom_request(loaded, version, artifacts)));
  for (const std::string& format : wanted.formats) {
    std::string bytes = TRY(sbom::write_bom(catalog, format, created, version_text));
    made.documents.push_back({sbom::bom_file_name(format), format, std::move(bytes)});
  }
  made.warnings = catalog.warnings;
  made.components = catalog.components.size();
  return made;
}

Result<MadeFeeds> make_feeds(Context& context, const Loaded& loaded, const std::string& version,
                             Instant created, const std::vector<artifact::Artifact>& artifacts) {
  MadeFeeds made;
  for (const channel::Ecosystem& ecosystem : channel::ecosystems()) {
    const std::string feed(ecosystem.feed);
    const spec::App& app = loaded.app();
    const auto first = std::find_if(app.channels.begin(), app.channels.end(),
                                    [&](const spec::Channel& channel) { return channel.has_feed(feed); });
    if (first == app.channels.end()) continue;
    const channel::DescribeInput input{.world = context.world,
                                       .repository = loaded.repository(),
                                       .app = app.name,
                                       .version = version,
                                       .created = created,
                                       .artifacts = artifacts,
                                       .client = first->client(feed)};
    std::string facts =
        TRY_WHILE("preparing the artifacts for feed '" + feed + "'", ecosystem.describe(input));
    if (facts.empty()) {
      made.notes.push_back("no artifact is for feed '" + feed + "'");
      continue;
    }
    if (facts.size() > channel::max_facts_bytes)
      return fail(ErrorKind::invalid, "what feed '{}' must know of release {} has {} bytes, more than {}",
                  feed, version, facts.size(), channel::max_facts_bytes);
    const std::string name = channel::facts_name(feed);
    made.documents.push_back({name, feed, facts.size(), crypto::to_hex(crypto::sha256(facts))});
    made.bytes.emplace_back(name, std::move(facts));
  }
  return made;
}

}  // namespace tranche::commands
