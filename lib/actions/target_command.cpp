// command: programs of the user's own. No shell reads them; TRANCHE_KEY holds the effect's key. `ask` says
// after a crash whether an effect took place. Without it an `expose` or `finish` that was cut short is left
// to a person, and `undo` is run until it has ended well: it must bear that.
#include "actions/target.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

class CommandTarget final : public Target {
 public:
  CommandTarget(Deck& deck, const spec::Target& target) : deck_(deck), target_(target) {}

  Result<std::vector<Need>> needs() override {
    std::vector<Need> out;
    for (const std::vector<std::string>* argv :
         {&target_.expose, &target_.finish, &target_.undo, &target_.ask})
      if (!argv->empty()) out.push_back({Need::Kind::program, argv->front()});
    return out;
  }
  [[nodiscard]] std::string describe() const override {
    return "command '" + printable(target_.expose.empty() ? "" : target_.expose.front(), 64) + "'";
  }

  [[nodiscard]] Duration runs_alone() const override { return target_.timeout; }
  [[nodiscard]] bool can_be_asked() const override { return !target_.ask.empty(); }

  Result<> check(const Move&) override {
    if (target_.expose.empty() || target_.undo.empty())
      return fail_hint(ErrorKind::invalid, "write expose: [...] and undo: [...]",
                       "the command target lacks a program");
    return {};
  }

  Result<Outcome> expose(const Move& move) override {
    return once(target_.expose, move, percent_text(move.plan, move.stage), "exposes");
  }

  Result<Outcome> finish(const Move& move) override {
    const std::size_t last = move.plan.stages.size() - 1;
    if (target_.finish.empty() && share_of(move.plan, last).everyone())
      return Outcome{"everyone has it since the last stage"};
    return once(target_.finish.empty() ? target_.expose : target_.finish, move, "100", "finishes");
  }

  Result<Outcome> undo(const Move& move) override { return once(target_.undo, move, "0", "takes back"); }

 private:
  Result<Outcome> once(const std::vector<std::string>& argv, const Move& move, const std::string& percent,
                       std::string_view verb) {
    if (!target_.ask.empty()) {
      const ports::ProcessResult answer = TRY(run(target_.ask, move, percent));
      if (answer.exit_code == 0)
        return Outcome{fmt::format("{} says that it is done", printable(target_.ask.front(), 64))};
      if (answer.exit_code != 1)
        return fail_hint(ErrorKind::failed, "it must exit with 0 (done) or 1 (not done)",
                         "{} cannot say whether '{}' is done: it ended with {}: {}",
                         printable(target_.ask.front(), 64), printable(move.key), answer.exit_code,
                         printable(trim(answer.err), 160));
    }
    const ports::ProcessResult result = TRY(run(argv, move, percent));
    if (result.exit_code != 0)
      return fail_hint(ErrorKind::failed, "mend it; it is run again with the same {key}",
                       "{} ended with {}: {}", printable(argv.front(), 64), result.exit_code,
                       printable(trim(result.err), 300));
    return Outcome{fmt::format("{} {} {}", printable(argv.front(), 64), verb, move.plan.release)};
  }

  Result<ports::ProcessResult> run(const std::vector<std::string>& argv, const Move& move,
                                   const std::string& percent) {
    ports::ProcessRequest request;
    for (const std::string& word : argv) request.argv.push_back(fill_move(word, move, percent));
    request.directory = deck_.repository();
    request.environment["TRANCHE_KEY"] = move.key;
    request.timeout = target_.timeout;
    return TRY_WHILE("running the target's program", deck_.world().process.run(request));
  }

  Deck& deck_;
  spec::Target target_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_command_target(Deck& deck, const spec::Target& target) {
  return std::unique_ptr<Target>(std::make_unique<CommandTarget>(deck, target));
}

}  // namespace tranche::actions
