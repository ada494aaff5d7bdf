// Model files say what they are in their first bytes. They become components of type machine-learning-model
// with a model card: an agent whose model changed is another agent. The bytes are hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_model_head_bytes = 64 << 20;

// GGUF versions 1 to 3, little-endian (github.com/ggml-org/ggml docs/gguf.md): name, version, licence,
// architecture and the numbers of the model from the metadata; tensors are counted, not read. `head` is the
// beginning of the file: it must hold all metadata. kind invalid with the offset otherwise.
Result<Component> read_gguf(std::string_view head, const std::string& file);

// safetensors (github.com/huggingface/safetensors): a length, then JSON that names each tensor with type,
// shape and place. `size` is that of the whole file: tensors must fill it exactly. `config`: the config.json
// of the same directory, or empty.
Result<Component> read_safetensors(std::string_view head, std::uint64_t size, const std::string& file,
                                   std::string_view config = {});

}  // namespace tranche::sbom
