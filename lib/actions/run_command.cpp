// run { argv, ask, undo }: a program with its arguments, never a shell. Exit code 0 is done. TRANCHE_KEY
// holds the idempotency key. `ask`, where it is given, says after an interruption whether it is done already:
// it exits 0 when it is, and 1 when it is not. `undo` takes it back.
#include "actions/action.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

// Empty: the step has none of that name.
Result<std::vector<std::string>> argv_of(const Call& call, std::string_view name) {
  std::vector<std::string> argv;
  if (call.step.with.find(name) == nullptr) return argv;
  for (const doc::Value& item : TRY(call.step.with.array_at(name))->as_array()) {
    if (!item.is_string())
      return fail(ErrorKind::invalid, "{} of run holds something that is not a string", name);
    argv.push_back(fill_variables(item.as_string(), call));
  }
  if (argv.empty())
    return fail_hint(ErrorKind::invalid, fmt::format("write {}: [program, argument]", name),
                     "run has an empty {}", name);
  return argv;
}

Result<std::vector<std::string>> main_argv(const Call& call) {
  if (call.step.with.find("argv") == nullptr)
    return fail_hint(ErrorKind::invalid, "write argv: [program, argument]", "run names no program");
  return argv_of(call, "argv");
}

Result<ports::ProcessResult> run(Deck& deck, const Call& call, std::vector<std::string> argv) {
  ports::ProcessRequest request;
  request.argv = std::move(argv);
  request.directory = deck.repository();
  request.environment["TRANCHE_KEY"] = call.key;
  request.timeout = call.step.timeout;
  return TRY_WHILE("run", deck.world().process.run(request));
}

Result<Outcome> run_to_end(Deck& deck, const Call& call, std::vector<std::string> argv) {
  const std::string program = printable(argv[0], 64);
  const ports::ProcessResult result = TRY(run(deck, call, std::move(argv)));
  if (result.exit_code != 0)
    return fail(ErrorKind::failed, "{} ended with {}: {}", program, result.exit_code,
                printable(trim(result.err), 160));
  return Outcome{fmt::format("{} ended with 0", program)};
}

Result<std::vector<Need>> needs(Deck&, const Call& call) {
  const std::vector<std::string> main = TRY(main_argv(call));
  std::vector<Need> all{{Need::Kind::program, main.front()}};
  for (const std::string_view other : {"ask", "undo"})
    if (const std::vector<std::string> argv = TRY(argv_of(call, other)); !argv.empty())
      all.push_back({Need::Kind::program, argv.front()});
  return all;
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("runs {}", printable(join(TRY(main_argv(call)), " ")));
}

Result<Outcome> perform(Deck& deck, const Call& call) { return run_to_end(deck, call, TRY(main_argv(call))); }

Result<Outcome> undo(Deck& deck, const Call& call) {
  std::vector<std::string> argv = TRY(argv_of(call, "undo"));
  if (argv.empty())
    return fail_hint(ErrorKind::denied, "undo it by hand", "a program that ran cannot be undone");
  return run_to_end(deck, call, std::move(argv));
}

Result<Asked> ask(Deck& deck, const Call& call) {
  std::vector<std::string> argv = TRY(argv_of(call, "ask"));
  if (argv.empty()) return Asked::unknown;
  const std::string program = printable(argv[0], 64);
  const ports::ProcessResult result = TRY(run(deck, call, std::move(argv)));
  if (result.exit_code == 0) return Asked::done;
  if (result.exit_code == 1) return Asked::not_done;
  return fail(ErrorKind::failed, "{}, asked whether it is done, ended with {}: {}", program, result.exit_code,
              printable(trim(result.err), 160));
}

}  // namespace

Action run_command() { return {"run", needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
