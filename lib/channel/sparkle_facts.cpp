// Sparkle's items name one archive, whatever processor the Mac has. So a release has one for all, or for one.
#include "channel/sparkle_facts.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/stream_signer.hpp"
#include "doc/value.hpp"
#include "signing/keys.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view schema = "tranche/sparkle-facts/v1";
constexpr std::size_t max_deltas = 1'000, max_informational = 1'000;
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr auto broken = ErrorKind::verification;

// What the updater unpacks; the first is what `generate_appcast` prefers too.
constexpr std::array<std::string_view, 9> archive_suffixes = {
    ".zip", ".tar.xz", ".tar.gz", ".tar.bz2", ".tgz", ".aar", ".dmg", ".pkg", ".mpkg"};

std::size_t suffix_rank(std::string_view name) {
  const std::string small = lower(name);
  const auto found = std::find_if(archive_suffixes.begin(), archive_suffixes.end(),
                                  [&](std::string_view suffix) { return small.ends_with(suffix); });
  return static_cast<std::size_t>(found - archive_suffixes.begin());
}

// For Macs: by platform, or for any by a name that says so.
bool is_for_macs(const artifact::Artifact& one) {
  if (one.platform.starts_with("darwin/")) return true;
  if (one.platform != "any") return false;
  const std::string name = lower(one.name);
  for (const char* word : {"mac", "darwin", "osx", ".dmg", ".pkg", ".mpkg", ".aar", ".app."})
    if (name.find(word) != std::string::npos) return true;
  return false;
}

bool is_universal(const artifact::Artifact& one) {
  return one.platform == "any" || one.platform == "darwin/universal" ||
         lower(one.name).find("universal") != std::string::npos;
}

// "Notes1.2.0-1.1.0.delta": what stands between the last dash and the suffix.
std::string delta_base(std::string_view name) {
  if (!lower(name).ends_with(".delta")) return {};
  name.remove_suffix(std::string_view(".delta").size());
  const std::size_t dash = name.rfind('-');
  return dash == std::string_view::npos ? std::string() : std::string(name.substr(dash + 1));
}

Result<std::string> sign_file(const DescribeInput& input, const crypto::StreamSigner& signer,
                              const artifact::Artifact& one) {
  const auto message = [&](const crypto::StreamSigner::Sink& sink) -> Result<> {
    const auto reader = TRY(input.world.files.open(one.path));
    std::string buffer(piece_bytes, '\0');
    while (const std::size_t got = TRY(reader->read(buffer.data(), buffer.size())))
      sink(std::string_view(buffer).substr(0, got));
    return {};
  };
  return to_base64(TRY_WHILE("signing " + printable(one.path), signer.sign(message)));
}

Result<const artifact::Artifact*> choose_archive(const DescribeInput& input) {
  std::vector<const artifact::Artifact*> found;
  for (const artifact::Artifact& one : input.artifacts)
    if (is_for_macs(one) && suffix_rank(one.name) < archive_suffixes.size()) found.push_back(&one);
  if (found.empty()) return nullptr;
  if (std::any_of(found.begin(), found.end(), [](const auto* one) { return is_universal(*one); }))
    std::erase_if(found, [](const auto* one) { return !is_universal(*one); });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return suffix_rank(a->name) < suffix_rank(b->name); });
  for (const artifact::Artifact* other : found)
    if (other->platform != found.front()->platform)
      return fail_hint(ErrorKind::invalid,
                       "build one universal archive, or leave the other out of `artifacts:`",
                       "a Sparkle item names one archive, and release {} has {} for {} and {} for {}",
                       printable(input.version), found.front()->name, found.front()->platform, other->name,
                       other->platform);
  return found.front();
}

SparkleFile file_of(const artifact::Artifact& one, std::string signature) {
  SparkleFile out;
  out.name = one.name;
  out.enclosure.length = one.size;
  out.enclosure.ed_signature = std::move(signature);
  return out;
}

// --- the document ----------------------------------------------------------------------------------------

void add(doc::Value& into, const char* key, const std::string& value) {
  if (!value.empty()) into.set(key, value);
}

doc::Value file_value(const SparkleFile& file) {
  doc::Value out = doc::Value::object({{"name", file.name}, {"length", file.enclosure.length}});
  add(out, "path", file.path);
  add(out, "url", file.enclosure.url);
  add(out, "type", file.enclosure.type);
  add(out, "ed-signature", file.enclosure.ed_signature);
  add(out, "dsa-signature", file.enclosure.dsa_signature);
  add(out, "installation-type", file.enclosure.installation_type);
  add(out, "from", file.enclosure.delta_from);
  return out;
}

std::unexpected<Error> refuse(std::string_view what) {
  return fail_hint(broken, "create the release again with `tranche release create`", "Sparkle's facts {}",
                   what);
}

Result<SparkleFile> parse_file(const doc::Value& value) {
  SparkleFile out;
  out.name = TRY(value.text("name", broken));
  out.path = TRY(value.text_or("path", "", broken));
  out.enclosure.url = TRY(value.text_or("url", "", broken));
  out.enclosure.type = TRY(value.text_or("type", "", broken));
  out.enclosure.ed_signature = TRY(value.text_or("ed-signature", "", broken));
  out.enclosure.dsa_signature = TRY(value.text_or("dsa-signature", "", broken));
  out.enclosure.installation_type = TRY(value.text_or("installation-type", "", broken));
  out.enclosure.delta_from = TRY(value.text_or("from", "", broken));
  const std::int64_t length = TRY(value.integer("length", broken));
  if (length < 0 || out.name.empty()) return refuse("name no file");
  out.enclosure.length = static_cast<std::uint64_t>(length);
  return out;
}

struct TextMember {
  const char* key;
  std::string AppcastItem::* member;
};
constexpr TextMember text_members[] = {{"title", &AppcastItem::title},
                                       {"link", &AppcastItem::link},
                                       {"notes-link", &AppcastItem::notes_link},
                                       {"full-notes-link", &AppcastItem::full_notes_link},
                                       {"description", &AppcastItem::description},
                                       {"description-format", &AppcastItem::description_format},
                                       {"minimum-system", &AppcastItem::minimum_system},
                                       {"maximum-system", &AppcastItem::maximum_system},
                                       {"hardware", &AppcastItem::hardware},
                                       {"minimum-autoupdate", &AppcastItem::minimum_autoupdate},
                                       {"minimum-update", &AppcastItem::minimum_update},
                                       {"ignore-skipped-below", &AppcastItem::ignore_skipped_below}};

}  // namespace

std::string to_text(const SparkleFacts& facts) {
  doc::Value out = doc::Value::object({{"schema", std::string(schema)},
                                       {"version", facts.item.version},
                                       {"short-version", facts.item.short_version},
                                       {"archive", file_value(facts.archive)}});
  for (const TextMember& one : text_members) add(out, one.key, facts.item.*one.member);
  if (!facts.deltas.empty()) {
    doc::Value deltas = doc::Value::array();
    for (const SparkleFile& one : facts.deltas) deltas.push(file_value(one));
    out.set("deltas", std::move(deltas));
  }
  if (facts.item.released) out.set("released", tranche::to_text(*facts.item.released));
  if (facts.item.critical) out.set("critical", *facts.item.critical);
  if (facts.item.informational) {
    doc::Value versions = doc::Value::array();
    for (const std::string& one : *facts.item.informational) versions.push(one);
    out.set("informational", std::move(versions));
  }
  return doc::canonical_json(out).value_or("");
}

Result<SparkleFacts> parse_sparkle_facts(std::string_view text) {
  doc::Limits limits;
  limits.max_bytes = max_facts_bytes;
  const auto document = doc::parse_json(text, "facts", limits);
  if (!document) return refuse("are no JSON");
  if (TRY(document->text("schema", broken)) != schema) return refuse("have another schema");
  SparkleFacts out;
  out.item.version = TRY(document->text("version", broken));
  out.item.short_version = TRY(document->text_or("short-version", out.item.version, broken));
  for (const TextMember& one : text_members)
    out.item.*one.member = TRY(document->text_or(one.key, "", broken));
  out.archive = TRY(parse_file(*TRY(document->object_at("archive", broken))));
  if (const doc::Value* deltas = document->find("deltas")) {
    if (!deltas->is_array() || deltas->as_array().size() > max_deltas) return refuse("have too many deltas");
    for (const doc::Value& one : deltas->as_array()) out.deltas.push_back(TRY(parse_file(one)));
  }
  const std::string released = TRY(document->text_or("released", "", broken));
  if (!released.empty()) {
    const auto when = parse_instant(released);
    if (!when) return refuse("have a date that is none");
    out.item.released = *when;
  }
  if (const doc::Value* critical = document->find("critical")) {
    if (!critical->is_string()) return refuse("say 'critical' of no version");
    out.item.critical = critical->as_string();
  }
  if (const doc::Value* versions = document->find("informational")) {
    if (!versions->is_array() || versions->as_array().size() > max_informational)
      return refuse("have too many informational versions");
    out.item.informational.emplace();
    for (const doc::Value& one : versions->as_array()) {
      if (!one.is_string()) return refuse("have an informational version that is no text");
      out.item.informational->push_back(one.as_string());
    }
  }
  return out;
}

Result<std::string> describe_sparkle(const DescribeInput& input) {
  const artifact::Artifact* archive = TRY(choose_archive(input));
  if (archive == nullptr) return std::string();
  if (input.client.key.empty())
    return fail_hint(
        ErrorKind::invalid,
        "set channels.CHANNEL.clients.sparkle.key to the reference of Sparkle's EdDSA key, for example "
        "env:TRANCHE_SPARKLE_KEY",
        "there is no key to sign {} with, and Sparkle's clients refuse an archive without its signature",
        printable(archive->name));
  const Secret text = TRY_WHILE("reading Sparkle's key",
                                signing::read_secret(input.world, input.repository, input.client.key));
  const auto signer = TRY_WHILE("reading Sparkle's key", crypto::StreamSigner::from_text(text));
  SparkleFacts facts;
  facts.item.version = facts.item.short_version = input.version;
  facts.item.title = input.app + " " + input.version;
  facts.item.released = input.created;
  facts.archive = file_of(*archive, TRY(sign_file(input, signer, *archive)));
  for (const artifact::Artifact& one : input.artifacts) {
    const std::string from = delta_base(one.name);
    if (from.empty()) continue;
    SparkleFile delta = file_of(one, TRY(sign_file(input, signer, one)));
    delta.enclosure.delta_from = from;
    facts.deltas.push_back(std::move(delta));
  }
  return to_text(facts);
}

}  // namespace tranche::channel
