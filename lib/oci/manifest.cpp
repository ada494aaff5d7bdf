#include "oci/manifest.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "doc/value.hpp"
#include "oci/reference.hpp"

namespace tranche::oci {
namespace {

constexpr auto kind = ErrorKind::verification;
constexpr doc::Limits limits{.max_bytes = max_manifest_bytes, .max_depth = 16, .max_nodes = 100'000};
constexpr std::size_t max_layers = 1024;
constexpr std::size_t max_annotations = 256;

doc::Value to_value(const Annotations& annotations) {
  doc::Value value = doc::Value::object();
  for (const auto& [key, text] : annotations) value.set(key, text);
  return value;
}

doc::Value to_value(const Descriptor& descriptor) {
  doc::Value value = doc::Value::object(
      {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}});
  if (!descriptor.artifact_type.empty()) value.set("artifactType", descriptor.artifact_type);
  if (!descriptor.annotations.empty()) value.set("annotations", to_value(descriptor.annotations));
  return value;
}

Result<Annotations> read_annotations(const doc::Value& value, std::string_view where) {
  Annotations annotations;
  const doc::Value* found = value.find("annotations");
  if (found == nullptr || found->is_null()) return annotations;
  if (!found->is_object() || found->as_object().size() > max_annotations)
    return fail(kind, "{} has annotations that are no map of at most {}", where, max_annotations);
  for (const doc::Member& member : found->as_object()) {
    if (!member.value.is_string())
      return fail(kind, "{} has an annotation '{}' that is {}", where, printable(member.key, 64),
                  member.value.kind_name());
    annotations.emplace_back(member.key, member.value.as_string());
  }
  return annotations;
}

Result<Descriptor> read_descriptor(const doc::Value& value, const std::string& where) {
  if (!value.is_object()) return fail(kind, "{} is {}, not a map", where, value.kind_name());
  Descriptor descriptor;
  descriptor.media_type = TRY_WHILE("reading " + where, value.text("mediaType", kind));
  descriptor.digest = TRY_WHILE("reading " + where, value.text("digest", kind));
  const std::int64_t size = TRY_WHILE("reading " + where, value.integer("size", kind));
  if (!is_digest(descriptor.digest))
    return fail(kind, "{} has the digest '{}', which is no SHA-256", where, printable(descriptor.digest, 80));
  if (size < 0) return fail(kind, "{} has a size below zero", where);
  descriptor.size = static_cast<std::uint64_t>(size);
  descriptor.artifact_type = TRY_WHILE("reading " + where, value.text_or("artifactType", "", kind));
  descriptor.annotations = TRY(read_annotations(value, where));
  return descriptor;
}

Result<doc::Value> parse(std::string_view json, std::string_view what) {
  auto value = doc::parse_json(json, "<manifest>", limits);
  if (!value) return fail(kind, "the {} cannot be read: {}", what, value.error().message);
  if (!value->is_object()) return fail(kind, "the {} is {}, not a map", what, value->kind_name());
  return std::move(*value);
}

Result<doc::Value> read_index(std::string_view json) {
  doc::Value value = TRY(parse(json, "list of referrers"));
  const std::string type = TRY(value.text_or("mediaType", index_type, kind));
  if (type != index_type)
    return fail(kind, "what stands where the list of referrers belongs is of type '{}'", printable(type, 80));
  return value;
}

Result<std::vector<Descriptor>> entries_of(const doc::Value& index) {
  const doc::Array& list = TRY(index.array_at("manifests", kind))->as_array();
  if (list.size() > max_referrers)
    return fail(kind, "the image has {} referrers, more than {}", list.size(), max_referrers);
  std::vector<Descriptor> entries;
  for (std::size_t i = 0; i < list.size(); ++i)
    entries.push_back(TRY(read_descriptor(list[i], fmt::format("manifests[{}]", i))));
  return entries;
}

// The byte at a place of the text that it was parsed from.
std::size_t offset_of(std::string_view text, const doc::Place& place) {
  std::size_t line_start = 0;
  for (int line = 1; line < place.line; ++line) line_start = text.find('\n', line_start) + 1;
  return line_start + static_cast<std::size_t>(place.column - 1);
}

// Where the bracket closes that opens at `open`; the text is valid JSON.
std::size_t closing_bracket(std::string_view text, std::size_t open) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view Descriptor::annotation(std::string_view key) const {
  const auto found = std::ranges::find(annotations, key, &Annotations::value_type::first);
  return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

Descriptor describe(std::string_view media_type, std::string_view bytes) {
  Descriptor descriptor;
  descriptor.media_type = media_type;
  descriptor.digest = digest_of(bytes);
  descriptor.size = bytes.size();
  return descriptor;
}

std::string to_referrer(const Descriptor& subject, const Descriptor& bundle, const Annotations& annotations) {
  Descriptor layer = bundle;
  layer.annotations = {{"org.opencontainers.image.title", referrers_tag(bundle.digest) + ".sigstore.json"}};
  Descriptor bare;
  bare.media_type = subject.media_type;
  bare.digest = subject.digest;
  bare.size = subject.size;
  doc::Value layers = doc::Value::array();
  layers.push(to_value(layer));
  return doc::to_json(doc::Value::object({{"schemaVersion", 2},
                                          {"mediaType", manifest_type},
                                          {"artifactType", bundle_type},
                                          {"config", to_value(describe(empty_type, empty_config))},
                                          {"layers", std::move(layers)},
                                          {"subject", to_value(bare)},
                                          {"annotations", to_value(annotations)}}));
}

Descriptor entry_of(std::string_view referrer, const Annotations& annotations) {
  Descriptor entry = describe(manifest_type, referrer);
  entry.artifact_type = bundle_type;
  entry.annotations = annotations;
  return entry;
}

Result<Manifest> parse_manifest(std::string_view json) {
  const doc::Value value = TRY(parse(json, "manifest"));
  Manifest manifest;
  manifest.media_type = TRY(value.text_or("mediaType", "", kind));
  manifest.artifact_type = TRY(value.text_or("artifactType", "", kind));
  if (const doc::Value* layers = value.find("layers"); layers != nullptr && !layers->is_null()) {
    if (!layers->is_array() || layers->as_array().size() > max_layers)
      return fail(kind, "the manifest has layers that are no list of at most {}", max_layers);
    for (std::size_t i = 0; i < layers->as_array().size(); ++i)
      manifest.layers.push_back(TRY(read_descriptor(layers->as_array()[i], fmt::format("layers[{}]", i))));
  }
  if (const doc::Value* subject = value.find("subject"); subject != nullptr && !subject->is_null())
    manifest.subject = TRY(read_descriptor(*subject, "subject"));
  return manifest;
}

Result<std::vector<Descriptor>> parse_index(std::string_view json) {
  const doc::Value index = TRY(read_index(json));
  return entries_of(index);
}

Result<std::string> add_to_index(std::string_view json, const Descriptor& entry) {
  if (json.empty()) {
    doc::Value manifests = doc::Value::array();
    manifests.push(to_value(entry));
    return doc::to_json(doc::Value::object(
        {{"schemaVersion", 2}, {"mediaType", index_type}, {"manifests", std::move(manifests)}}));
  }
  const doc::Value index = TRY(read_index(json));
  const std::vector<Descriptor> entries = TRY(entries_of(index));
  if (std::ranges::find(entries, entry.digest, &Descriptor::digest) != entries.end())
    return std::string(json);
  if (entries.size() == max_referrers)
    return fail_hint(ErrorKind::invalid, "remove what nobody needs from the registry",
                     "the image has {} referrers already", max_referrers);
  const std::size_t open = offset_of(json, index.find("manifests")->place);
  const std::size_t close =
      open < json.size() && json[open] == '[' ? closing_bracket(json, open) : std::string_view::npos;
  if (close == std::string_view::npos)
    return fail(kind, "the list of referrers is written in a way that cannot be added to");
  std::size_t end = close;  // blanks before the bracket stay where they are
  while (end > open + 1 && std::string_view(" \t\r\n").find(json[end - 1]) != std::string_view::npos) --end;
  std::string merged(json.substr(0, end));
  if (!entries.empty()) merged += ',';
  merged += doc::to_json(to_value(entry));
  merged += json.substr(end);
  if (merged.size() > max_manifest_bytes)
    return fail_hint(ErrorKind::invalid, "remove what nobody needs from the registry",
                     "the list of referrers would be larger than {} bytes", max_manifest_bytes);
  return merged;
}

}  // namespace tranche::oci
