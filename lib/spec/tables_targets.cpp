// What carries a service's release: an Argo Rollout, files in a repository, a program, a flag.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
using Kind = Target::Kind;

const TextKind url_kind{"an http(s) url", check_http_url, "^https?://"};
const TextKind line_kind{"a line of text"};

Result<> check_edited_file(std::string_view path) { return check_repository_path(path); }

const Table<Target>& argo_table() {
  static const Table<Target> table{
      "argo-rollouts",
      "A Rollout object of Argo in Kubernetes: each stage is one promotion, the last one a full promotion.",
      {field("rollout", &Target::object, text(line_kind), "name of the object").must(),
       field("namespace", &Target::space, text(line_kind), "by default the context's, or `default`"),
       field("image", &Target::image, text({"an image", check_image, ""}),
             "registry/name:{version}, or registry/name@{digest}")
           .must(),
       field("container", &Target::container, text(line_kind), "whose image is set; by default all"),
       field("server", &Target::server, text(url_kind),
             "url of the API server; by default kubeconfig's, or the "
             "cluster that this runs in"),
       field("token", &Target::token, secret_reference(), "bearer token"),
       field("ca", &Target::ca, text({"a path", check_repository_path, ""}),
             "the API server's CA certificates"),
       field("kubeconfig", &Target::kubeconfig, text(line_kind), "path of a kubeconfig"),
       field("context", &Target::context, text(line_kind), "of the kubeconfig; by default its current one"),
       field("progress-deadline", &Target::progress, duration(1s, 24h),
             "how long it may take to come to rest at a stage")},
      {}};
  return table;
}

const Table<Target::Edit>& edit_table() {
  static const Table<Target::Edit> table{
      "edit",
      "A value in a file.",
      {field("file", &Target::Edit::file, text({"a path", check_edited_file, ""}), "in that repository")
           .must(),
       field("key", &Target::Edit::key, text(line_kind),
             "keys joined by dots, positions as [0]; without it the value is the whole file"),
       field("value", &Target::Edit::value, text(line_kind),
             "{version}, {percent}, {stage} and {digest} stand in it")},
      {}};
  return table;
}

const Table<Target>& gitops_table() {
  static const Table<Target> table{
      "gitops",
      "Files in a repository that a controller watches: each stage is one commit.",
      {field("remote", &Target::remote, text({"a remote", check_git_remote, "", true}),
             "url or path of the repository, or the name of a remote of this one")
           .must(),
       field("branch", &Target::branch, text({"a branch", check_git_branch, ""}), "that is watched"),
       field("token", &Target::token, secret_reference(), "for pushing, and for the pull request"),
       field("edits", &Target::edits,
             list(record<Target::Edit>(edit_table),
                  ListRule{.noun = "edit", .least = 1, .most = 100, .one_or_many = false, .of = "maps"}),
             "what each stage changes")
           .must(),
       field("pull-request", &Target::repository, text(line_kind),
             "owner/name on GitHub: changes go through a pull request, and count when it is merged"),
       field("api", &Target::api, text(url_kind), "GitHub's, or your own")},
      {}};
  return table;
}

Codec<std::vector<std::string>> argv() {
  return list(text(line_kind), ListRule{.least = 0, .most = 256, .of = "strings"});
}

const Table<Target>& command_table() {
  static const Table<Target> table{
      "command",
      "Programs; no shell reads them. {version} {baseline} {percent} {stage} {key} are filled in.",
      {field("expose", &Target::expose, argv(),
             "exposes a stage; is run again after a crash unless `ask` says done")
           .must(),
       field("finish", &Target::finish, argv(), "everyone has it; by default expose with {percent} = 100"),
       field("undo", &Target::undo, argv(), "brings {baseline} back").must(),
       field("ask", &Target::ask, argv(), "exits 0 when {key} is done, 1 when it is not, else nobody knows"),
       field("timeout", &Target::timeout, duration(1s, 24h), "of each")},
      {}};
  return table;
}

const Table<Target>& flag_table() {
  static const Table<Target> table{
      "flag-target",
      "A flag of this app, of type number: its value is the percent exposed.",
      {field("name", &Target::flag, text({"a name", check_name, std::string(name_pattern)}), "under flags:")
           .must()},
      {}};
  return table;
}

struct Shape {
  std::string_view key;
  Kind kind;
  const Table<Target>& (*table)();
};
constexpr Shape shapes[] = {{"argo-rollouts", Kind::argo_rollouts, argo_table},
                            {"gitops", Kind::gitops, gitops_table},
                            {"command", Kind::command, command_table},
                            {"flag", Kind::flag, flag_table}};

std::vector<std::string> shape_names() {
  std::vector<std::string> names;
  for (const Shape& shape : shapes) names.emplace_back(shape.key);
  return names;
}

void read_target(const Value& value, Target& out, Reader& reader) {
  constexpr const char* forms =
      "write { argo-rollouts: {...} }, { gitops: {...} }, { command: {...} } or { flag: {...} }";
  if (!value.is_object()) return reader.wrong_type(value, "a target", forms);
  out = Target{};
  out.place = value.place;
  for (const Member& member : value.as_object()) {
    const Shape* shape = nullptr;
    for (const Shape& one : shapes)
      if (one.key == member.key) shape = &one;
    if (shape == nullptr) {
      reader.where.emplace_back("the target");
      report_unknown_key(member, shape_names(), reader);
      reader.where.pop_back();
      continue;
    }
    if (out.kind != Kind::none)
      return reader.bad_value(value, "a release goes one way", "choose one of them");
    out.kind = shape->kind;
    reader.where.push_back(fmt::format("target '{}'", shape->key));
    shape->table().read(member.value, out, reader, member.key_place);
    reader.where.pop_back();
  }
  if (value.as_object().empty()) reader.wrong_type(value, "a target", forms);
}

}  // namespace

Field<Rollout> target_field() {
  Field<Rollout> f;
  f.key = "target";
  f.doc = "what carries a service's release, instead of a channel";
  f.read = [](const Value& value, Rollout& into, Reader& reader) { read_target(value, into.target, reader); };
  f.write = [](const Rollout& from) {
    for (const Shape& shape : shapes)
      if (shape.kind == from.target.kind)
        return Value::object({{std::string(shape.key), shape.table().write(from.target)}});
    return Value();
  };
  f.schema = [](SchemaBook& book) {
    Value properties = Value::object();
    for (const Shape& shape : shapes)
      properties.set(std::string(shape.key), book.define(shape.table().name, [&](SchemaBook& inner) {
        return shape.table().schema(inner);
      }));
    Value out = Value::object({{"type", "object"}, {"minProperties", 1}, {"maxProperties", 1}});
    out.set("properties", std::move(properties));
    out.set("additionalProperties", false);
    return out;
  };
  return f;
}

}  // namespace tranche::spec
