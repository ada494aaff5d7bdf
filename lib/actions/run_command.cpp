// run { argv }: a program with its arguments, never a shell. Exit code 0 is done. TRANCHE_KEY holds the
// idempotency key.
#include "actions/action.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

Result<std::vector<std::string>> argv_of(const Call& call) {
  std::vector<std::string> argv;
  for (const doc::Value& item : TRY(call.step.with.array_at("argv"))->as_array()) {
    if (!item.is_string())
      return fail(ErrorKind::invalid, "argv of run holds something that is not a string");
    argv.push_back(fill_variables(item.as_string(), call));
  }
  if (argv.empty())
    return fail_hint(ErrorKind::invalid, "write argv: [program, argument]", "run has an empty argv");
  return argv;
}

Result<std::vector<Need>> needs(Deck&, const Call& call) {
  const std::vector<std::string> argv = TRY(argv_of(call));
  return std::vector<Need>{{Need::Kind::program, argv.front()}};
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("runs {}", printable(join(TRY(argv_of(call)), " ")));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  ports::ProcessRequest request;
  request.argv = TRY(argv_of(call));
  request.directory = deck.repository();
  request.environment["TRANCHE_KEY"] = call.key;
  request.timeout = call.step.timeout;
  const ports::ProcessResult result = TRY_WHILE("run", deck.world().process.run(request));
  if (result.exit_code != 0)
    return fail(ErrorKind::failed, "{} ended with {}: {}", printable(request.argv[0], 64), result.exit_code,
                printable(trim(result.err), 160));
  return Outcome{fmt::format("{} ended with 0", printable(request.argv[0], 64))};
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "undo it by hand", "a program that ran cannot be undone");
}

Result<Asked> ask(Deck&, const Call&) { return Asked::unknown; }

}  // namespace

Action run_command() { return {"run", needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
