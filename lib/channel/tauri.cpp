// The tauri feed: facts made at `release create`, and one static file a feed channel.
//
// The client has no percentage, so a stage below everybody cannot be told to it: the file then goes on naming
// the previous release, and only `tranche serve` can do better.
#include <algorithm>
#include <array>
#include <map>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/feed.hpp"
#include "channel/tauri.hpp"
#include "channel/tauri_view.hpp"
#include "signing/keys.hpp"
#include "signing/minisign.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view public_key_path = "keys/minisign.pub";

// --- release create --------------------------------------------------------------------------------------

Result<std::optional<signing::MinisignSecretKey>> read_key(const DescribeInput& input) {
  if (input.client.key.empty()) return std::nullopt;
  const Secret text = TRY(signing::read_secret(input.world, input.repository, input.client.key));
  Secret password;
  if (!input.client.key_password.empty())
    password = TRY(signing::read_secret(input.world, input.repository, input.client.key_password));
  return std::optional(TRY(signing::MinisignSecretKey::parse(text, password)));
}

// NAME.sig beside the artifact, as `tauri build` writes it.
Result<std::optional<signing::MinisignSignature>> read_beside(const DescribeInput& input,
                                                              const artifact::Artifact& artifact) {
  const auto text = TRY(input.world.files.read(artifact.path + ".sig", signing::max_minisign_text));
  if (!text) return std::nullopt;
  const auto signature =
      TRY_WHILE("reading " + printable(artifact.path) + ".sig", signing::parse_minisign_signature(*text));
  const auto version = signing::comment_field(signature.trusted_comment, "version");
  if (version && tauri_version(*version) != tauri_version(input.version))
    return fail_hint(ErrorKind::verification,
                     "build and sign it for this version: the updater compares the two",
                     "{}.sig is for version '{}', and the release is {}", printable(artifact.name),
                     printable(*version, 64), input.version);
  return std::optional(signature);
}

// What is known of the app's key when no secret half signs here: its public half, where `key generate
// minisign` puts it in the repository, and else that one key signed all.
struct PublicHalf {
  std::optional<signing::MinisignPublicKey> key;
  std::optional<signing::MinisignKeyNumber> number;
};

Result<PublicHalf> read_public_half(const DescribeInput& input) {
  const auto text = TRY(input.world.files.read(join_path(input.repository, std::string(public_key_path)),
                                               signing::max_minisign_text));
  if (!text) return PublicHalf{};
  PublicHalf half;
  half.key = TRY_WHILE(fmt::format("reading {}", public_key_path), signing::parse_minisign_public_key(*text));
  return half;
}

Result<> check_beside(const DescribeInput& input, const artifact::Artifact& artifact,
                      const signing::MinisignSignature& signature, PublicHalf& half) {
  if (half.key) return signing::verify_minisign(input.world.files, artifact.path, signature, *half.key);
  if (half.number.value_or(signature.number) != signature.number)
    return fail_hint(ErrorKind::verification, "an app believes one key: sign them all with it",
                     "signed with key {}, and the file before with key {}",
                     signing::to_text(signature.number), signing::to_text(*half.number));
  half.number = signature.number;
  return {};
}

// With the secret half every file is signed anew: then the comment names the version.
Result<std::string> signature_for(const DescribeInput& input, const artifact::Artifact& artifact,
                                  const std::optional<signing::MinisignSecretKey>& key, PublicHalf& half) {
  if (const auto beside = TRY(read_beside(input, artifact))) {
    TRY_WHILE(fmt::format("checking {}.sig", printable(artifact.name)),
              check_beside(input, artifact, *beside, half));
    if (!key) return to_base64(to_text(*beside));
  }
  if (key)
    return to_base64(
        TRY(signing::sign_minisign(input.world.files, artifact.path, *key,
                                   signing::usual_comment(input.created, artifact.name, input.version))));
  return fail_hint(
      ErrorKind::invalid,
      "name the minisign key under clients: { tauri: { key: env:TRANCHE_TAURI_KEY } }, or let `tauri build` "
      "write NAME.sig beside it (bundle.createUpdaterArtifacts)",
      "nothing signs '{}' for Tauri's updater", printable(artifact.name));
}

// Which installer clients get that know no bundle types: what most of them were installed with.
constexpr std::array<std::string_view, 6> preference{"appimage", "deb", "rpm", "app", "nsis", "msi"};

bool is_archive(std::string_view name) { return name.ends_with(".gz") || name.ends_with(".zip"); }

struct Chosen {
  const artifact::Artifact* artifact = nullptr;
  std::string_view type;
};

// One file a target. Where a bundle comes plain and archived, the archive is taken: the updaters of Tauri 1
// read nothing else, those of Tauri 2 read both.
Result<std::map<std::string, Chosen>> choose_files(const std::vector<artifact::Artifact>& artifacts) {
  std::map<std::string, Chosen> by_target;
  for (const artifact::Artifact& artifact : artifacts) {
    const auto bundle = TRY(tauri_bundle(artifact));
    if (!bundle) continue;
    for (const std::string& platform : bundle->platforms) {
      Chosen& chosen = by_target[fmt::format("{}-{}", platform, bundle->type)];
      if (chosen.artifact != nullptr && is_archive(chosen.artifact->name) == is_archive(artifact.name))
        return fail_hint(ErrorKind::invalid, "ship one of them, or give them different platforms",
                         "'{}' and '{}' are both the {} of {} for Tauri's updater",
                         printable(chosen.artifact->name), printable(artifact.name), bundle->type, platform);
      if (chosen.artifact == nullptr || is_archive(artifact.name)) chosen = {&artifact, bundle->type};
    }
  }
  for (const auto type : preference) {
    const auto specific = by_target;
    for (const auto& [target, chosen] : specific)
      if (chosen.type == type && target.ends_with(fmt::format("-{}", type)))
        by_target.emplace(target.substr(0, target.size() - type.size() - 1), chosen);
  }
  return by_target;
}

Result<std::string> describe(const DescribeInput& input) {
  const auto chosen = TRY(choose_files(input.artifacts));
  if (chosen.empty()) return std::string();
  if (tauri_version(input.version) != input.version)
    return fail_hint(ErrorKind::invalid, "number releases as semver.org says: 1.2.0",
                     "Tauri's updater cannot read version '{}'", printable(input.version, 64));
  const auto key = TRY_WHILE("reading the minisign key of feed 'tauri'", read_key(input));
  PublicHalf half = key ? PublicHalf{key->public_key(), std::nullopt} : TRY(read_public_half(input));
  TauriFacts facts;
  facts.version = input.version;
  for (const artifact::Artifact& artifact : input.artifacts) {
    TauriFile file;
    for (const auto& [target, one] : chosen)
      if (one.artifact == &artifact) file.targets.push_back(target);
    if (file.targets.empty()) continue;
    file.name = artifact.name;
    file.signature = TRY(signature_for(input, artifact, key, half));
    facts.files.push_back(std::move(file));
  }
  return to_json(facts);
}

// --- publishing ------------------------------------------------------------------------------------------

const Shipped* find_release(const WriteInput& input, std::string_view version) {
  const auto found = std::ranges::find_if(
      input.releases, [&](const Shipped& one) { return one.manifest.version == version; });
  return found == input.releases.end() ? nullptr : &*found;
}

// What the file there offers from our own store, where that is a release which may no longer be named.
Result<bool> names_gone_release(const WriteInput& input, const std::string& name) {
  const auto now = input.store.get(name, max_tauri_file);
  if (!now || !*now) return false;
  const auto release = parse_tauri_release((*now)->bytes);
  if (!release || find_release(input, release->version) != nullptr) return false;
  const std::string ours = TRY(tauri_url({.name = ""}, release->version, input.channel.url));
  return std::ranges::any_of(release->entries,
                             [&](const TauriEntry& entry) { return entry.url.starts_with(ours); });
}

// The file of a track that may name nothing: left alone, unless it goes on offering what was withdrawn.
Result<> write_nothing(const WriteInput& input, const std::string& name, Written& out) {
  if (!TRY(names_gone_release(input, name))) return {};
  out.pointers.push_back({name, tauri_empty_file()});
  out.notes.push_back(fmt::format(
      "tauri: {} offers nothing until another release can stand there; clients log an error meanwhile",
      name));
  return {};
}

Result<> write_track(const WriteInput& input, const cohort::Track& track, Written& out) {
  const std::string name = tauri_file_name(input.client, track.feed_channel);
  TRY(store::check_name(name));
  const bool whole = track.share.everyone();
  const std::string& version = whole ? track.release : track.previous;
  if (!whole)
    out.notes.push_back(fmt::format(
        "tauri: nobody gets {} at {}: its file reaches everybody or nobody, and {}", track.release,
        to_text(track.share), version.empty() ? "names nothing yet" : "goes on naming " + version));
  if (version.empty()) return write_nothing(input, name, out);
  const Shipped* release = find_release(input, version);
  if (release == nullptr)
    return fail_hint(ErrorKind::invalid, "`tranche release list` shows those on record",
                     "{} is to name {}, which is no release that can be offered", name,
                     printable(version, 64));
  if (release->facts.empty()) {
    out.notes.push_back(
        fmt::format("tauri: {} has no artifact for Tauri's updater; {} stays as it is", version, name));
    return write_nothing(input, name, out);
  }
  const TauriFacts facts =
      TRY_WHILE("reading the tauri facts of " + version, parse_tauri_facts(release->facts));
  if (facts.version != version)
    return fail_hint(ErrorKind::verification, "make the release anew",
                     "the tauri facts of {} are those of {}", version, facts.version);
  std::string bytes = TRY(tauri_static_file(facts, release->manifest.created, input.channel.url));
  out.pointers.push_back({name, std::move(bytes)});
  return {};
}

Result<Written> write(const WriteInput& input) {
  Written out;
  for (const cohort::Track& track : input.tracks) TRY(write_track(input, track, out));
  return out;
}

}  // namespace

Ecosystem tauri() {
  return {.feed = "tauri", .describe = describe, .aliases = nullptr, .write = write, .read = read_tauri};
}

}  // namespace tranche::channel
