#include "sbom/model.hpp"

#include <algorithm>
#include <bit>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/lock.hpp"

namespace tranche::sbom {

namespace {

constexpr std::uint64_t max_pairs = 100'000;
constexpr std::size_t max_kept_text = 4096;  // longer values (chat templates, vocabularies) are passed over
constexpr std::uint64_t max_header_json = 32 << 20;

std::unexpected<Error> broken(const std::string& file, std::size_t offset, std::string_view why) {
  return fail_hint(ErrorKind::invalid, "is the file cut off, or still being downloaded?",
                   "{}: at byte {}: {}", printable(file), offset, why);
}

std::uint64_t little(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

class Gguf {
 public:
  Gguf(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Result<Component> read() {
    if (!bytes_.starts_with("GGUF")) return broken(file_, 0, "this is no GGUF file");
    at_ = 4;
    const std::uint64_t version = TRY(number(4));
    if (version < 1 || version > 3) return broken(file_, 4, "this version of GGUF is not known");
    wide_ = version == 1 ? 4 : 8;
    const std::uint64_t tensors = TRY(number(wide_));
    const std::uint64_t pairs = TRY(number(wide_));
    if (pairs > max_pairs) return broken(file_, at_, "it has more metadata than any model needs");
    for (std::uint64_t i = 0; i < pairs; ++i) {
      const std::string key(TRY(text()));
      const auto type = static_cast<std::uint32_t>(TRY(number(4)));
      TRY(value(key, type, true));
    }
    return to_component(tensors);
  }

 private:
  Result<std::uint64_t> number(std::size_t width) {
    if (bytes_.size() - at_ < width) return broken(file_, at_, "the file ends within its metadata");
    at_ += width;
    return little(bytes_, at_ - width, width);
  }
  Result<std::string_view> text() {
    const std::uint64_t size = TRY(number(wide_));
    if (size > bytes_.size() - at_) return broken(file_, at_, "the file ends within its metadata");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

  // Widths of gguf_metadata_value_type 0 to 12; 0: not of a fixed width.
  static constexpr std::size_t widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

  Result<> value(const std::string& key, std::uint32_t type, bool arrays) {
    if (type == 8) {
      const std::string_view read = TRY(text());
      if (read.size() <= max_kept_text && is_valid_utf8(read)) found_.emplace(key, std::string(read));
      return {};
    }
    if (type == 9 && arrays) {
      const auto of = static_cast<std::uint32_t>(TRY(number(4)));
      const std::uint64_t count = TRY(number(wide_));
      if (of > 12 || of == 9) return broken(file_, at_, "an array of a type that is not known");
      if (widths[of] != 0) {
        if (count > (bytes_.size() - at_) / widths[of])
          return broken(file_, at_, "the file ends within its metadata");
        at_ += count * widths[of];
        return {};
      }
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::string_view read = TRY(text());
        if (key == "general.tags" && i < 64 && is_valid_utf8(read))
          tags_ += (tags_.empty() ? "" : ",") + std::string(read);
      }
      return {};
    }
    if (type > 12 || type == 9) return broken(file_, at_, "a value of a type that is not known");
    const std::uint64_t raw = TRY(number(widths[type]));
    // Whole numbers and flags; fractions say nothing about what the model is.
    if (type == 7)
      found_.emplace(key, raw != 0 ? "true" : "false");
    else if (type == 0 || type == 2 || type == 4 || type == 10)
      found_.emplace(key, fmt::format("{}", raw));
    return {};
  }

  [[nodiscard]] std::string at(const std::string& key) const {
    const auto found = found_.find(key);
    return found == found_.end() ? std::string() : found->second;
  }

  Result<Component> to_component(std::uint64_t tensors) {
    Component component;
    component.type = "machine-learning-model";
    component.name = at("general.name");
    if (component.name.empty()) component.name = base_name(file_);
    component.version = at("general.version");
    component.description = at("general.description");
    component.supplier = at("general.organization");
    if (const std::string license = at("general.license"); !license.empty())
      component.licenses.push_back(license);
    ModelCard card;
    card.architecture = at("general.architecture");
    if (tags_.find("text-generation") != std::string::npos) card.task = "text-generation";
    for (const char* key :
         {"general.basename", "general.finetune", "general.size_label", "general.quantized_by",
          "general.file_type", "general.quantization_version", "general.base_model.0.name",
          "general.base_model.0.repo_url", "general.repo_url", "general.url"})
      if (const std::string text = at(key); !text.empty()) card.properties.emplace_back(key, text);
    for (const char* key :
         {"context_length", "embedding_length", "block_count", "expert_count", "vocab_size"})
      if (const std::string text = at(card.architecture + "." + key); !text.empty())
        card.properties.emplace_back(card.architecture + "." + key, text);
    card.properties.emplace_back("gguf.tensor_count", fmt::format("{}", tensors));
    std::ranges::sort(card.properties);
    component.model = std::move(card);
    return component;
  }

  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::size_t wide_ = 8;
  std::map<std::string, std::string> found_;
  std::string tags_;
};

// Bits of each dtype of safetensors; 0: not known.
std::uint64_t bits_of(std::string_view type) {
  if (type == "BOOL" || type == "U8" || type == "I8" || type.starts_with("F8_")) return 8;
  if (type == "I16" || type == "U16" || type == "F16" || type == "BF16") return 16;
  if (type == "I32" || type == "U32" || type == "F32") return 32;
  if (type == "I64" || type == "U64" || type == "F64" || type == "C64") return 64;
  if (type == "F4") return 4;
  return 0;
}

}  // namespace

Result<Component> read_gguf(std::string_view head, const std::string& file) {
  return Gguf(head, file).read();
}

Result<Component> read_safetensors(std::string_view head, std::uint64_t size, const std::string& file,
                                   std::string_view config) {
  if (head.size() < 8) return broken(file, 0, "the file ends within its header");
  const std::uint64_t length = little(head, 0, 8);
  if (length > max_header_json || length > head.size() - 8)
    return broken(file, 0, "its header is longer than the file or than 32 MiB");
  const doc::Value header = TRY(doc::parse_json(
      head.substr(8, length), file, {.max_bytes = max_header_json, .max_depth = 8, .max_nodes = 4'000'000}));
  if (!header.is_object()) return broken(file, 8, "its header is no map");
  std::uint64_t parameters = 0;
  std::uint64_t end = 0;
  std::map<std::string, std::uint64_t> types;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const doc::Member& tensor : header.as_object()) {
    if (tensor.key == "__metadata__") continue;
    const std::string type = text_at(tensor.value, "dtype");
    const doc::Array& offsets = items_at(tensor.value, "data_offsets");
    std::uint64_t count = 1;
    bool sound = offsets.size() == 2 && !type.empty() && tensor.value.find("shape") != nullptr;
    for (const doc::Value& side : items_at(tensor.value, "shape")) {
      const std::uint64_t factor =
          side.is_int() && side.as_int() >= 0 ? static_cast<std::uint64_t>(side.as_int()) : 0;
      sound = sound && side.is_int() && side.as_int() >= 0 && (factor == 0 || count <= (1ULL << 56) / factor);
      count *= sound ? factor : 1;
    }
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    for (std::size_t i = 0; sound && i < 2; ++i) {
      sound = offsets[i].is_int() && offsets[i].as_int() >= 0;
      if (sound) (i == 0 ? from : to) = static_cast<std::uint64_t>(offsets[i].as_int());
    }
    const std::uint64_t bits = bits_of(type);
    if (!sound || from > to || (bits != 0 && (count * bits + 7) / 8 != to - from))
      return broken(file, 8,
                    fmt::format("the tensor '{}' is not where its shape says", printable(tensor.key, 80)));
    parameters += count;
    ++types[type];
    places.emplace_back(from, to);
    end = std::max(end, to);
  }
  std::ranges::sort(places);
  std::uint64_t next = 0;
  for (const auto& [from, to] : places) {
    if (from != next) return broken(file, 8, "its tensors overlap or leave a gap");
    next = to;
  }
  if (end != size - 8 - length) return broken(file, 8, "its tensors do not fill the file");

  Component component;
  component.type = "machine-learning-model";
  component.name = base_name(file);
  ModelCard card;
  if (const auto about = doc::parse_json(config, "config.json"); about && about->is_object()) {
    card.architecture = text_at(*about, "model_type");
    if (const doc::Array& names = items_at(*about, "architectures"); !names.empty() && names[0].is_string())
      card.properties.emplace_back("config.architecture", names[0].as_string());
    const std::string name = text_at(*about, "_name_or_path");
    if (!name.empty()) card.properties.emplace_back("config.name_or_path", name);
  }
  const doc::Value* metadata = header.find("__metadata__");
  if (metadata != nullptr && metadata->is_object())
    for (const doc::Member& member : metadata->as_object())
      if (member.value.is_string() && member.value.as_string().size() <= max_kept_text &&
          card.properties.size() < 256)
        card.properties.emplace_back("safetensors." + member.key, member.value.as_string());
  std::string dtypes;
  for (const auto& [type, tensors] : types) dtypes += (dtypes.empty() ? "" : ",") + type;
  if (!dtypes.empty()) card.properties.emplace_back("safetensors.dtypes", dtypes);
  card.properties.emplace_back("safetensors.parameter_count", fmt::format("{}", parameters));
  card.properties.emplace_back("safetensors.tensor_count", fmt::format("{}", places.size()));
  std::ranges::sort(card.properties);
  component.model = std::move(card);
  return component;
}

}  // namespace tranche::sbom
