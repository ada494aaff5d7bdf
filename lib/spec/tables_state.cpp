// Cohorts and the state: the structs whose maps come in several shapes.
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

Codec<Labels> labels_codec() {
  return {[](const Value& value, Labels& out, Reader& reader) {
            if (!value.is_object())
              return reader.wrong_type(value, "a map from labels to values", "write { region: [de, fr] }");
            if (value.as_object().size() > 32)
              return reader.bad_value(value, "more than 32 labels", "a device has at most 32");
            out.clear();
            for (const Member& member : value.as_object()) {
              if (!check_device_id(member.key))
                reader.problems.add(member.key_place,
                                    fmt::format("bad label '{}'{}", printable(member.key, 64), reader.in()),
                                    "1 to 128 bytes of printable ASCII");
              reader.key = member.key;
              ListRule rule;
              rule.one_or_many = true;
              rule.least = 1;
              const TextKind kind{"a string or a list of strings",
                                  [](std::string_view label) -> Result<> {
                                    if (check_device_id(label)) return {};
                                    return fail_hint(ErrorKind::invalid, "1 to 128 bytes of printable ASCII",
                                                     "'{}' is not a label value", printable(label, 64));
                                  },
                                  ""};
              list(text(kind), rule).read(member.value, out[member.key], reader);
            }
          },
          [](const Labels& from) {
            Object out;
            for (const auto& [label, values] : from) {
              doc::Array accepted;
              for (const std::string& value : values) accepted.emplace_back(value);
              out.push_back({label, Value(std::move(accepted)), {}});
            }
            return Value(std::move(out));
          },
          [](SchemaBook&) {
            const Value one = Value::object({{"type", "string"}, {"minLength", 1}, {"maxLength", 128}});
            Value many = Value::object({{"type", "array"}, {"items", one}, {"minItems", 1}});
            Value out = Value::object({{"type", "object"}, {"maxProperties", 32}});
            out.set("additionalProperties",
                    Value::object({{"anyOf", Value(doc::Array{one, std::move(many)})}}));
            return out;
          }};
}

// A list of ids, or { file: PATH } with one id a line.
Codec<std::vector<std::string>> devices_codec() {
  ListRule rule;
  rule.most = 100'000;
  rule.of = "device ids";
  const auto ids = list(text({"a device id", check_device_id, ""}), rule);
  return {[ids](const Value& value, std::vector<std::string>& out, Reader& reader) {
            const Value* file = value.find("file");
            if (file == nullptr) return ids.read(value, out, reader);
            if (!file->is_string() || value.as_object().size() != 1)
              return reader.bad_value(value, "a map here holds just `file: PATH`",
                                      "one id a line in that file");
            if (auto inside = check_repository_path(file->as_string()); !inside)
              return reader.bad_value(*file, inside.error().message, inside.error().hint);
            if (!reader.read_list)
              return reader.bad_value(*file, "a list of devices cannot be read here",
                                      "write the ids into the list");
            auto listed = reader.read_list(file->as_string());
            if (!listed) return reader.bad_value(*file, listed.error().message, listed.error().hint);
            out = std::move(*listed);
          },
          ids.write,
          [ids](SchemaBook& book) {
            Value file = Value::object({{"type", "object"}});
            file.set("properties", Value::object({{"file", Value::object({{"type", "string"}})}}));
            file.set("required", Value(doc::Array{Value("file")}));
            file.set("additionalProperties", false);
            return Value::object({{"anyOf", Value(doc::Array{ids.schema(book), std::move(file)})}});
          }};
}

const Table<Cohort>& cohort_table() {
  static const Table<Cohort> table{
      "cohort",
      "A named set of devices.",
      {field("match", &Cohort::match, labels_codec(),
             "labels and the values accepted: all labels, any value"),
       field("devices", &Cohort::devices, devices_codec(), "ids, or { file: PATH } with one id a line"),
       field("feed-channel", &Cohort::feed_channel, text({"a name", check_name, std::string(name_pattern)}),
             "these devices read a channel file of their own in static feeds"),
       field("hold", &Cohort::hold,
             text({"a version in quotes", check_version_text, "^[A-Za-z0-9_.+~-]{1,64}$"}),
             "an administrator's pin: never offered more than this version")},
      [](const Value& value, Cohort& cohort, Reader& reader) {
        if (!value.is_object()) return;
        if (value.find("hold") && !value.find("match") && !value.find("feed-channel"))
          reader.problems.add(cohort.place, "a hold on a list of devices" + reader.in(),
                              "a pin goes by labels or by feed-channel: give match or feed-channel");
        if (value.find("match") || value.find("devices") || value.find("feed-channel")) return;
        reader.problems.add(cohort.place, "no devices" + reader.in(),
                            "give match, devices or feed-channel: it must say who belongs to it");
      }};
  return table;
}

}  // namespace

Codec<Cohort> cohort_codec() { return record<Cohort>(cohort_table); }

namespace {

const Table<State>& git_state_table() {
  static const Table<State> table{
      "git-state",
      "A branch that holds the journal.",
      {field("remote", &State::remote, text({"a remote", check_git_remote, "", true}),
             "name of a remote or a url; by default origin, else local"),
       field("branch", &State::branch, text({"a branch", check_git_branch, ""}), "its name"),
       field("directory", &State::directory, text({"a path", check_repository_path, ""}),
             "of the branch, which several apps share; with `apps:` by default the app's name"),
       field("token", &State::token, secret_reference(), "secret reference for pushing")},
      {}};
  return table;
}

}  // namespace

Codec<State> state_codec() {
  constexpr const char* forms = "write git, { git: {...} }, dir:PATH or s3://BUCKET/PREFIX";
  return {[](const Value& value, State& out, Reader& reader) {
            out = State{};
            out.place = value.place;
            if (value.is_string()) {
              if (value.as_string() == "git") return;
              const auto ref = parse_store_ref(value.as_string());
              if (!ref || ref->kind == StoreRef::Kind::git)
                return reader.bad_value(
                    value, fmt::format("'{}' is not a state", printable(value.as_string(), 64)), forms);
              out.kind = ref->kind == StoreRef::Kind::dir ? State::Kind::dir : State::Kind::s3;
              out.path = ref->path;
              return;
            }
            if (const Value* s3 = value.find("s3"); s3 != nullptr && value.as_object().size() == 1) {
              out.kind = State::Kind::s3;
              reader.where.emplace_back("the state");
              read_s3(*s3, out.path, out.s3, reader);
              reader.where.pop_back();
              return;
            }
            const Value* git = value.find("git");
            if (git == nullptr || value.as_object().size() != 1) {
              if (value.is_object())
                for (const Member& member : value.as_object())
                  if (member.key != "git" && member.key != "s3") {
                    reader.where.emplace_back("the state");
                    report_unknown_key(member, {"git", "s3"}, reader);
                    reader.where.pop_back();
                  }
              if (value.find("git") != nullptr && value.find("s3") != nullptr)
                return reader.bad_value(value, "it is kept in one place", "choose git or s3");
              if (!value.is_object() || value.as_object().empty()) reader.wrong_type(value, "a state", forms);
              return;
            }
            reader.where.emplace_back("the state");
            git_state_table().read(*git, out, reader, git->place);
            reader.where.pop_back();
          },
          [](const State& from) {
            if (from.kind == State::Kind::dir) return Value("dir:" + from.path);
            if (from.kind == State::Kind::s3) return write_s3(from.path, from.s3);
            return Value::object({{"git", git_state_table().write(from)}});
          },
          [](SchemaBook& book) {
            Value line = Value::object({{"type", "string"}, {"pattern", "^(git$|dir:.+|s3://.+)"}});
            Value git = Value::object({{"type", "object"}});
            git.set("properties", Value::object({{"git", record<State>(git_state_table).schema(book)}}));
            git.set("required", Value(doc::Array{Value("git")}));
            git.set("additionalProperties", false);
            return Value::object(
                {{"anyOf", Value(doc::Array{std::move(line), std::move(git), s3_schema(book)})}});
          }};
}

}  // namespace tranche::spec
