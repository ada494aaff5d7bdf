// Playbooks with their steps.
#include "spec/action_grammar.hpp"
#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;

TextKind name_kind() { return {"a name", check_name, std::string(name_pattern)}; }

Result<> check_title(std::string_view title) {
  if (!title.empty() && title.size() <= 64 && title.find_first_of("\n\t/") == std::string_view::npos)
    return {};
  return fail_hint(ErrorKind::invalid, "one line of 1 to 64 bytes, without /", "'{}' is not the id of a step",
                   printable(title, 64));
}
TextKind title_kind() { return {"the id of a step", check_title, "^[^/\\n\\t]{1,64}$"}; }

std::vector<std::string> action_names() {
  std::vector<std::string> names;
  for (const ActionGrammar& action : action_grammar()) names.emplace_back(action.name);
  return names;
}

// A share of 1: 0.2 or "20%".
Codec<double> share() {
  return {[](const Value& value, double& out, Reader& reader) {
            double given = -1;
            if (value.is_number()) given = value.as_double();
            if (value.is_string())
              if (const auto percent = parse_percent(value.as_string()))
                given = static_cast<double>(percent->ppm) / Percent::whole;
            if (given < 0 || given > 1)
              return reader.bad_value(value, "it is no share", "write 0.2, or \"20%\"");
            out = given;
          },
          [](const double& from) { return Value(from); },
          [](SchemaBook&) {
            return Value::object({{"anyOf", Value(doc::Array{Value::object({{"type", "number"}}),
                                                             Value::object({{"type", "string"}})})}});
          }};
}

const Table<Retry>& retry_table() {
  static const Table<Retry> table{
      "retry",
      "How often a step is tried.",
      {field("attempts", &Retry::attempts, integer(1, 20), "in all"),
       field("backoff", &Retry::backoff, duration(0s, 1h), "before the second attempt; doubles"),
       field("max-backoff", &Retry::most, duration(0s, 24h), "it doubles up to this"),
       field("jitter", &Retry::jitter, share(), "share of the backoff that chance may add")
           .only([](const Retry& from) { return from.jitter > 0; })},
      {}};
  return table;
}

// A map that may be absent: nothing is written for it then.
template <class T>
Codec<T> use_codec(const Table<T>& (*table)()) {
  Codec<T> codec = record<T>(table);
  codec.write = [table](const T& from) { return from.uses.empty() ? Value() : table().write(from); };
  return codec;
}

template <class T>
std::vector<Field<T>> use_fields() {
  std::vector<Field<T>> fields;
  fields.push_back(field<T, std::string>("uses", &T::uses, word(action_names()), "the action").must());
  fields.push_back(field<T, Value>("with", &T::with, any_map(), "its arguments"));
  return fields;
}

const Table<Use>& use_table() {
  static const Table<Use> table{"use", "An action and its arguments.", use_fields<Use>(), {}};
  return table;
}

const Table<Verify>& verify_table() {
  static const Table<Verify> table = [] {
    Table<Verify> out{"verify", "An action that must succeed after a step.", use_fields<Verify>(), {}};
    out.fields.push_back(field("within", &Verify::within, duration(0s, 24h), "how long it is asked"));
    out.fields.push_back(field("every", &Verify::every, duration(100ms, 1h), "how often"));
    return out;
  }();
  return table;
}

// continue, abort, or the id of a step.
Field<Step> on_failure_field() {
  using On = Step::OnFailure;
  Field<Step> f;
  f.key = "on-failure";
  f.doc = "continue with the next step, abort the playbook, or go on at the step of that id";
  f.fallback = Value("continue");
  const Codec<std::string> id = text(title_kind());
  f.read = [id](const Value& value, Step& into, Reader& reader) {
    std::string word;
    id.read(value, word, reader);
    into.on_failure = word == "abort" ? On::abort : word == "continue" || word.empty() ? On::go_on : On::jump;
    into.on_failure_step = into.on_failure == On::jump ? word : "";
  };
  f.write = [](const Step& from) {
    if (from.on_failure == On::jump) return Value(from.on_failure_step);
    return Value(from.on_failure == On::abort ? "abort" : "continue");
  };
  f.schema = [id](SchemaBook& book) { return id.schema(book); };
  return f;
}

const Table<Step>& step_table() {
  static const Table<Step> table{
      "step",
      "One action of a playbook.",
      {field("id", &Step::id, text(title_kind()), "by default position and action: \"1-flag.set\""),
       field("uses", &Step::uses, word(action_names()), "the action").must(),
       field("with", &Step::with, any_map(), "its arguments"),
       field("when", &Step::when, text({"a condition"}),
             "taken only where this holds, in the language of conditions over `result`: result.failed, "
             "result.stranded, result.share, result.steps[\"ID\"]"),
       field("approval", &Step::approval, text(name_kind()), "people who must approve before it is taken"),
       field("retry", &Step::retry, record<Retry>(retry_table), "how often it is tried"),
       field("timeout", &Step::timeout, duration(1ms, 24h), "for one attempt"),
       field("deadline", &Step::deadline, limit(24h * 30),
             "for the whole step, waiting and approval included"),
       field("verify", &Step::verify, use_codec(verify_table),
             "an action that must succeed afterwards: the step has failed otherwise"),
       field("compensate", &Step::compensate, use_codec(use_table),
             "taken when the playbook is aborted after this step; last step first"),
       on_failure_field()},
      {}};
  return table;
}

const Table<Playbook>& playbook_table() {
  static const Table<Playbook> table{
      "playbook",
      "Ordered steps taken when something is wrong.",
      {field("deadline", &Playbook::deadline, limit(24h * 30),
             "for all of it: steps that have not begun by then are skipped"),
       field("steps", &Playbook::steps,
             list(record<Step>(step_table),
                  ListRule{.noun = "step", .least = 1, .most = 100, .one_or_many = false, .of = "steps"}),
             "in order; a failed step does not stop the next unless it says abort")
           .must()},
      {}};
  return table;
}

}  // namespace

Codec<Playbook> playbook_codec() { return record<Playbook>(playbook_table); }

}  // namespace tranche::spec
