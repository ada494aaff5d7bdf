#include "attest/model.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "attest/model_files.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace tranche::attest {
namespace {

constexpr auto refused = ErrorKind::verification;
constexpr std::uint64_t max_shard_size = std::uint64_t{1} << 40;

std::string_view hash_name(ModelHash hash) { return hash == ModelHash::sha256 ? "sha256" : "blake2b"; }

std::string algorithm_name(const Serialization& serialization) {
  std::string name(hash_name(serialization.hash));
  if (serialization.shard_size != 0) name += fmt::format("-sharded-{}", serialization.shard_size);
  return name;
}

// The digest by which a model is known elsewhere.
std::string root_digest(const std::vector<ModelResource>& resources) {
  crypto::Sha256 root;
  for (const ModelResource& resource : resources) root.update(from_hex(resource.digest).value_or(""));
  return crypto::to_hex(root.finish());
}

// The path of a resource: of a shard, what precedes ":start:end".
std::string_view path_of(const Serialization& serialization, std::string_view name) {
  if (serialization.shard_size == 0) return name;
  for (int i = 0; i < 2; ++i) {
    const std::size_t colon = name.rfind(':');
    if (colon == std::string_view::npos) return {};
    const auto number = parse_u64(name.substr(colon + 1));
    if (!number) return {};
    name = name.substr(0, colon);
  }
  return name;
}

// Whole numbers also as 8.0: what went through protobuf comes back as a double.
Result<std::uint64_t> read_shard_size(const doc::Value& serialization) {
  const double size = TRY(serialization.number("shard_size", refused));
  if (!(size >= 1) || size > static_cast<double>(max_shard_size) ||
      size != static_cast<double>(static_cast<std::uint64_t>(size)))
    return fail(refused, "'shard_size' of the model is no number of bytes");
  return static_cast<std::uint64_t>(size);
}

Result<Serialization> read_serialization(const doc::Value& value) {
  Serialization out;
  const std::string method = TRY(value.text("method", refused));
  if (method == "shards")
    out.shard_size = TRY(read_shard_size(value));
  else if (method != "files")
    return fail_hint(refused, "files and shards are known here", "the model is serialized as '{}'",
                     printable(method, 40));
  const std::string hash = TRY(value.text("hash_type", refused));
  const std::string_view plain = std::string_view(hash).substr(0, hash.find("-sharded-"));
  if (plain == "blake2b" || plain == "blake2")
    out.hash = ModelHash::blake2b;
  else if (plain != "sha256")
    return fail_hint(refused, "sha256 and blake2b are known here", "the model is hashed with '{}'",
                     printable(hash, 40));
  out.allow_symlinks = TRY(value.boolean("allow_symlinks", refused));
  const doc::Value* const ignored = value.find("ignore_paths");
  if (ignored == nullptr) {
    out.ignore_paths = usual_ignored_paths();
    return out;
  }
  for (const doc::Value& path : TRY(value.array_at("ignore_paths", refused))->as_array()) {
    if (!path.is_string() || !detail::is_model_path(path.as_string()))
      return fail(refused, "an ignored path of the model is not one below it");
    out.ignore_paths.push_back(path.as_string());
  }
  return out;
}

Result<std::vector<ModelResource>> read_resources(const doc::Value& predicate,
                                                  const Serialization& serialization) {
  const doc::Array& list = TRY(predicate.array_at("resources", refused))->as_array();
  if (list.empty()) return fail(refused, "the model names no file");
  const std::string algorithm = algorithm_name(serialization);
  const std::size_t digits = serialization.hash == ModelHash::sha256 ? 64 : 128;
  std::set<std::string> names;
  std::vector<ModelResource> resources;
  for (const doc::Value& item : list) {
    if (!item.is_object()) return fail(refused, "a resource of the model is {}", item.kind_name());
    ModelResource resource{TRY(item.text("name", refused)), {}};
    resource.digest = TRY(item.text("digest", refused));
    const std::string named = TRY(item.text("algorithm", refused));
    const std::string_view path = path_of(serialization, resource.name);
    if (path != "." && !detail::is_model_path(path))
      return fail(refused, "the model names '{}', which is no path below it", printable(resource.name));
    if (named != algorithm)
      return fail(refused, "'{}' is hashed with '{}', the model with '{}'", printable(resource.name),
                  printable(named, 40), algorithm);
    if (resource.digest.size() != digits || lower(resource.digest) != resource.digest ||
        !from_hex(resource.digest))
      return fail(refused, "the digest of '{}' is not {} lower-case hex digits", printable(resource.name),
                  digits);
    if (!names.insert(resource.name).second)
      return fail(refused, "the model names '{}' twice", printable(resource.name));
    resources.push_back(std::move(resource));
  }
  return resources;
}

// path → the names and digests of its resources.
using ByPath = std::map<std::string, std::map<std::string, std::string>>;

ByPath by_path(const Model& model) {
  ByPath out;
  for (const ModelResource& resource : model.resources)
    out[std::string(path_of(model.serialization, resource.name))][resource.name] = resource.digest;
  return out;
}

// The digests alone, in order: the same for a file under another name.
std::string content_of(const std::map<std::string, std::string>& resources, const Serialization& how) {
  std::map<std::pair<std::size_t, std::string>, std::string> ordered;
  for (const auto& [name, digest] : resources) {
    const std::string range(std::string_view(name).substr(path_of(how, name).size()));
    ordered[{range.size(), range}] = digest;
  }
  std::string all;
  for (const auto& [range, digest] : ordered) all += range.second + "=" + digest + ";";
  return how.shard_size == 0 ? resources.begin()->second : all;
}

}  // namespace

std::vector<std::string> usual_ignored_paths() { return {".git", ".gitattributes", ".github", ".gitignore"}; }

Result<MeasuredModel> measure_model(ports::Files& files, const std::string& path,
                                    const Serialization& serialization) {
  detail::FoundFiles found = TRY(detail::find_model_files(files, path, serialization));
  MeasuredModel measured;
  measured.model.name = std::move(found.model_name);
  measured.model.serialization = serialization;
  detail::DigestedFiles digested = TRY(detail::digest_model_files(files, found.files, serialization));
  measured.model.resources = std::move(digested.resources);
  measured.size = digested.size;
  measured.problems = std::move(found.problems);
  return measured;
}

Result<Statement> to_statement(const Model& model) {
  if (model.resources.empty())
    return fail_hint(ErrorKind::invalid, "name the directory that holds the model", "the model has no file");
  const Serialization& how = model.serialization;
  doc::Value serialization = doc::Value::object({{"method", how.shard_size == 0 ? "files" : "shards"},
                                                 {"hash_type", hash_name(how.hash)},
                                                 {"allow_symlinks", how.allow_symlinks}});
  if (how.shard_size != 0) serialization.set("shard_size", how.shard_size);
  if (!how.ignore_paths.empty()) {
    doc::Value ignored = doc::Value::array();
    for (const std::string& path : how.ignore_paths) ignored.push(path);
    serialization.set("ignore_paths", std::move(ignored));
  }
  doc::Value resources = doc::Value::array();
  for (const ModelResource& resource : model.resources)
    resources.push(doc::Value::object(
        {{"name", resource.name}, {"algorithm", algorithm_name(how)}, {"digest", resource.digest}}));
  return Statement{.subjects = {{model.name, {{"sha256", root_digest(model.resources)}}}},
                   .predicate_type = std::string(model_type),
                   .predicate = doc::Value::object(
                       {{"serialization", std::move(serialization)}, {"resources", std::move(resources)}})};
}

Result<Model> model_from_statement(const Statement& statement) {
  if (statement.predicate_type != model_type)
    return fail_hint(refused, "sign it again with model signing v1.0", "the statement is of '{}', no model",
                     printable(statement.predicate_type, 120));
  if (statement.subjects.size() != 1)
    return fail(refused, "the statement has {} subjects, a model is one", statement.subjects.size());
  Model model;
  model.name = statement.subjects.front().name;
  model.serialization =
      TRY(read_serialization(*TRY(statement.predicate.object_at("serialization", refused))));
  model.resources = TRY(read_resources(statement.predicate, model.serialization));
  const std::string* const root = statement.subjects.front().digest("sha256");
  if (root == nullptr || !crypto::equal_constant_time(*root, root_digest(model.resources)))
    return fail(refused, "the subject's digest is not that of the files it names");
  return model;
}

std::vector<ModelProblem> compare_models(const Model& signed_model, const Model& here) {
  const Serialization& how = signed_model.serialization;
  const ByPath was = by_path(signed_model);
  const ByPath is = by_path(here);
  std::vector<ModelProblem> problems;
  std::multimap<std::string, std::string> added;  // content → path
  for (const auto& [path, resources] : is)
    if (!was.contains(path)) added.emplace(content_of(resources, how), path);
  for (const auto& [path, resources] : was) {
    const auto found = is.find(path);
    if (found == is.end()) {
      if (const auto moved = added.find(content_of(resources, how)); moved != added.end()) {
        problems.push_back({"renamed-file", path, fmt::format("is here as '{}'", printable(moved->second))});
        added.erase(moved);
      } else {
        problems.push_back({"missing-file", path, "was signed and is not here"});
      }
    } else if (found->second != resources) {
      problems.push_back({"changed-file", path, "holds other bytes than were signed"});
    }
  }
  for (const auto& [content, path] : added)
    problems.push_back({"added-file", path, "is here and was not signed"});
  std::ranges::sort(problems, detail::path_before, &ModelProblem::path);
  return problems;
}

}  // namespace tranche::attest
