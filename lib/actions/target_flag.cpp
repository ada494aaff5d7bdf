// flag: a number flag of the app whose value is the percent exposed; who is among them is the service's
// business. Taking back is 0.
#include "actions/target.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

class FlagTarget final : public Target {
 public:
  FlagTarget(Deck& deck, const spec::Target& target) : deck_(deck), name_(target.flag) {}

  Result<std::vector<Need>> needs() override { return std::vector<Need>{}; }
  [[nodiscard]] std::string describe() const override { return "flag '" + name_ + "'"; }

  Result<> check(const Move& move) override {
    TRY(flag_of(move));
    if (deck_.app().channels.empty())
      return fail_hint(ErrorKind::invalid,
                       "add one under channels:, with the store that readers of the flag use",
                       "flags are published to channels, and app '{}' has none", deck_.app().name);
    return {};
  }

  Result<Outcome> expose(const Move& move) override { return set(move, share_of(move.plan, move.stage)); }
  Result<Outcome> finish(const Move& move) override { return set(move, Percent{Percent::whole}); }
  Result<Outcome> undo(const Move& move) override { return set(move, Percent{}); }

 private:
  Result<const spec::Flag*> flag_of(const Move& move) {
    const spec::Flag* flag = move.plan.config.flag(name_);
    if (flag == nullptr || flag->type != spec::Flag::Type::number)
      return fail_hint(ErrorKind::invalid, "declare it under flags: with type: number",
                       "there is no number flag '{}'", printable(name_, 64));
    return flag;
  }

  Result<Outcome> set(const Move& move, Percent share) {
    const spec::Flag* flag = TRY(flag_of(move));
    const bool whole = share.ppm % 10'000 == 0;
    const doc::Value value =
        whole ? doc::Value(static_cast<std::int64_t>(share.ppm / 10'000)) : doc::Value(share.ppm / 10'000.0);
    TRY(deck_.set_flag(*flag, value, move.key, move.cause));
    return Outcome{fmt::format("flag '{}' is {}", name_, doc::to_json(value))};
  }

  Deck& deck_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_flag_target(Deck& deck, const spec::Target& target) {
  return std::unique_ptr<Target>(std::make_unique<FlagTarget>(deck, target));
}

}  // namespace tranche::actions
