// The keys of `argo: FILE` gates.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t most_files = 20;
constexpr std::size_t most_args = 200;
using Args = std::map<std::string, std::string>;

Codec<std::vector<ArgoFile>> files_codec() {
  const Codec<std::string> path = text({"a path", check_repository_path, ""});
  Codec<ArgoFile> file{
      [path](const Value& value, ArgoFile& out, Reader& reader) { path.read(value, out.path, reader); },
      [](const ArgoFile& from) { return Value(from.path); }, path.schema};
  Codec<std::vector<ArgoFile>> files =
      list(std::move(file), {.noun = "", .least = 1, .most = most_files, .one_or_many = true, .of = "paths"});
  files.write = [write = files.write](const std::vector<ArgoFile>& from) {
    return from.size() == 1 ? Value(from.front().path) : write(from);
  };
  return files;
}

bool is_scalar(const Value& value) { return value.is_string() || value.is_number() || value.is_bool(); }

Codec<Args> args_codec() {
  return {[](const Value& value, Args& out, Reader& reader) {
            if (!value.is_object())
              return reader.wrong_type(value, "a map", "write args: { service-name: checkout }");
            if (value.as_object().size() > most_args)
              return reader.bad_value(value, fmt::format("{} entries", value.as_object().size()),
                                      fmt::format("at most {}", most_args));
            Args read;
            for (const Member& member : value.as_object()) {
              if (!is_scalar(member.value))
                return reader.wrong_type(member.value, "a string, a number or a boolean",
                                         "args of a template are texts");
              std::string given =
                  member.value.is_string() ? member.value.as_string() : doc::to_json(member.value);
              if (given.starts_with("env:") || given.starts_with("file:"))
                if (const auto checked = check_secret_reference(given, false); !checked)
                  return reader.bad_value(member.value, checked.error().message, checked.error().hint);
              if (given.size() > 16 * 1024)
                return reader.bad_value(member.value, "it is longer than 16 KiB", "shorten it");
              read[member.key] = std::move(given);
            }
            out = std::move(read);
          },
          [](const Args& from) {
            Value out = Value::object();
            for (const auto& [name, given] : from) out.set(name, given);
            return out;
          },
          [](SchemaBook&) {
            Value out = Value::object({{"type", "object"}});
            Value types = Value::array();
            for (const char* type : {"string", "number", "boolean"}) types.push(type);
            out.set("additionalProperties", Value::object({{"type", std::move(types)}}));
            out.set("maxProperties", static_cast<std::int64_t>(most_args));
            return out;
          }};
}

}  // namespace

const Table<Argo>& argo_table() {
  static const Table<Argo> table{
      "argo",
      "An Argo Rollouts AnalysisTemplate, run unchanged.",
      {field("argo", &Argo::files, files_codec(),
             "file with an AnalysisTemplate, within the repository; several are joined")
           .must(),
       field("args", &Argo::args, args_codec(),
             "values of the template's args; env:TRANCHE_NAME and file:PATH for its secrets"),
       field("templates", &Argo::templates, list(any_map(), {.most = most_files, .of = "maps"}),
             "what the files hold, in a frozen plan; not written by hand")},
      {}};
  return table;
}

}  // namespace tranche::spec
