#include "sbom/model.hpp"

#include "os/world.hpp"
#include "sbom/lock_samples.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::sbom;
using namespace tranche::sbom::test;

namespace {

std::string little(std::uint64_t value, std::size_t width) {
  std::string bytes;
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}
std::string gguf_text(std::string_view text) { return little(text.size(), 8) + std::string(text); }
std::string pair(std::string_view key, std::string_view value) {
  return gguf_text(key) + little(8, 4) + gguf_text(value);
}
std::string pair(std::string_view key, std::uint32_t value) {
  return gguf_text(key) + little(4, 4) + little(value, 4);
}

std::string gguf() {
  std::string bytes = "GGUF" + little(3, 4) + little(2, 8) + little(9, 8);
  bytes += pair("general.architecture", "llama") + pair("general.name", "Tiny Llama") +
           pair("general.version", "v1.1");
  bytes += pair("general.license", "apache-2.0") + pair("llama.context_length", 4096) +
           pair("general.file_type", 15);
  bytes += gguf_text("tokenizer.ggml.tokens") + little(9, 4) + little(8, 4) + little(2, 8) +
           gguf_text("<s>") + gguf_text("</s>");
  bytes +=
      gguf_text("tokenizer.ggml.scores") + little(9, 4) + little(6, 4) + little(2, 8) + std::string(8, '\1');
  bytes +=
      gguf_text("general.tags") + little(9, 4) + little(8, 4) + little(1, 8) + gguf_text("text-generation");
  return bytes + "tensors follow";
}

std::string safetensors(std::string_view header, std::size_t data) {
  return little(header.size(), 8) + std::string(header) + std::string(data, 'x');
}
constexpr std::string_view header =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})";

using Properties = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("a GGUF file is a model with its name, licence, architecture and numbers") {
  const auto model = read_gguf(gguf(), "dist/x.gguf");
  REQUIRE(model);
  CHECK(model->type == "machine-learning-model");
  CHECK(model->name == "Tiny Llama");
  CHECK(model->version == "v1.1");
  CHECK(model->licenses == List{"apache-2.0"});
  REQUIRE(model->model);
  CHECK(model->model->architecture == "llama");
  CHECK(model->model->task == "text-generation");
  CHECK(model->model->properties == Properties{{"general.file_type", "15"},
                                               {"gguf.tensor_count", "2"},
                                               {"llama.context_length", "4096"}});
}

TEST_CASE("a GGUF file cut off anywhere in its metadata is refused with the place") {
  const std::string whole = gguf();
  const std::size_t end = whole.size() - std::string_view("tensors follow").size();
  for (std::size_t size = 0; size < end; ++size) {
    const auto model = read_gguf(whole.substr(0, size), "x");
    REQUIRE_FALSE(model);
    CHECK(model.error().kind == ErrorKind::invalid);
    CHECK(has(model.error().message, "x: at byte "));
  }
  CHECK_FALSE(read_gguf("GGUF" + little(3, 4) + little(0, 8) + little(~0ULL, 8), "x"));
  CHECK_FALSE(read_gguf("GGUF" + little(3, 4) + little(0, 8) + little(1, 8) + little(~0ULL, 8), "x"));
  CHECK_FALSE(read_gguf("GGUF" + little(9, 4) + little(0, 8) + little(0, 8), "x"));
}

TEST_CASE("a safetensors file is a model whose tensors fill it, with their number and types") {
  const std::string bytes = safetensors(header, 26);
  const auto model = read_safetensors(bytes, bytes.size(), "dist/model.safetensors",
                                      R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"]})");
  REQUIRE(model);
  CHECK(model->name == "model.safetensors");
  REQUIRE(model->model);
  CHECK(model->model->architecture == "llama");
  CHECK(model->model->properties == Properties{{"config.architecture", "LlamaForCausalLM"},
                                               {"safetensors.dtypes", "BF16,F32"},
                                               {"safetensors.format", "pt"},
                                               {"safetensors.parameter_count", "7"},
                                               {"safetensors.tensor_count", "2"}});
}

TEST_CASE("a safetensors file whose header and bytes disagree is refused") {
  const auto refusal = [](const std::string& bytes) {
    const auto model = read_safetensors(bytes, bytes.size(), "x");
    return model ? std::string("taken") : model.error().message;
  };
  CHECK(has(refusal("short"), "ends within"));
  CHECK(has(refusal(little(1000, 8) + "{}"), "longer than the file"));
  CHECK(has(refusal(little(~0ULL, 8) + "{}"), "longer than the file"));
  CHECK(has(refusal(safetensors(header, 25)), "do not fill"));
  CHECK(has(refusal(safetensors(header, 27)), "do not fill"));
  CHECK(has(refusal(safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4)),
            "'a' is not where"));
  CHECK(has(refusal(safetensors(
                R"({"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}})", 4)),
            "'a' is not where"));
  CHECK(has(
      refusal(safetensors(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3)),
      "overlap"));
  CHECK(has(refusal(safetensors("[]", 0)), "no map"));
  CHECK(has(refusal(safetensors("{", 0)), "not JSON"));
}

TEST_CASE("models in a directory are listed with their digest, and a broken one is a warning") {
  support::TempDirectory directory;
  os::RealWorld real;
  ports::Files& files = real.world().files;
  REQUIRE(files.write(directory / "m/a.gguf", gguf()));
  REQUIRE(files.write(directory / "m/b.safetensors", safetensors(header, 26)));
  REQUIRE(files.write(directory / "m/config.json", R"({"model_type": "bert"})"));
  REQUIRE(files.write(directory / "m/c.gguf", "GGUF"));
  const Catalog catalog = taken(make_catalog(real.world(), {.app = "x", .repository = directory.path()}));
  REQUIRE(catalog.components.size() == 2);
  CHECK(catalog.components[0].name == "Tiny Llama");
  REQUIRE(catalog.components[0].hashes.size() == 1);
  CHECK(catalog.components[0].hashes[0].algorithm == "SHA-256");
  CHECK(catalog.components[0].purl ==
        "pkg:generic/Tiny%20Llama@v1.1?checksum=sha256:" + catalog.components[0].hashes[0].hex);
  CHECK(catalog.components[1].model->architecture == "bert");
  CHECK(catalog.main.depends_on.size() == 2);
  REQUIRE(catalog.warnings.size() == 1);
  CHECK(has(catalog.warnings[0], "m/c.gguf: at byte 4"));
}
