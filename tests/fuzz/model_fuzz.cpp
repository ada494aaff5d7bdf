// The first bytes of models, in GGUF and in safetensors. rooms: sbom
#include "catalog_properties.hpp"
#include "sbom/catalogers.hpp"
#include "sbom/model.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  for (const auto& model :
       {sbom::read_gguf(text, "x.gguf"), sbom::read_safetensors(text, size, "x.safetensors", text)})
    if (model && (model->name.empty() || !model->model)) std::abort();
  return 0;
}
