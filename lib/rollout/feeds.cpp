#include "rollout/feeds.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/version.hpp"
#include "cohort/clients.hpp"

namespace tranche::rollout {

namespace {

using cohort::Capabilities;
using cohort::ClientSalt;
using cohort::Downgrade;
using On = spec::Channel::OnUnsupported;

constexpr std::string_view native = "tranche";

// A service has none, and no feeds.
const spec::Channel& channel_of(const Plan& plan) {
  static const spec::Channel none = [] {
    spec::Channel channel;
    channel.feeds.clear();
    return channel;
  }();
  const spec::Channel* channel = plan.config.channel(plan.channel);
  return channel == nullptr ? none : *channel;
}

bool is_served(const Plan& plan, const Capabilities& client) {
  return client.feed != native && client.servable && channel_of(plan).on_unsupported == On::serve;
}

std::vector<std::string> feed_channels_of(const Plan& plan) {
  std::vector<std::string> out;
  for (const PlannedStage& stage : plan.stages)
    if (!stage.rule.feed_channel.empty()) out.push_back(stage.rule.feed_channel);
  return out;
}

cohort::Directions at_stage(const Plan& plan, std::size_t stage) {
  cohort::Directions directions;
  directions.baseline = plan.baseline;
  directions.offer = cohort::Offer{plan.release, plan.salt, rules_at(plan, stage)};
  return directions;
}

FeedStage stage_of(const Plan& plan, const Capabilities& client, bool served, std::size_t stage) {
  FeedStage out;
  if (served || client.labels) {
    out.written = share_at(plan, stage);
    out.share = out.written.fraction();
    return out;
  }
  for (const cohort::Track& track : cohort::tracks(at_stage(plan, stage), feed_channels_of(plan))) {
    const cohort::Track said = cohort::honour(client, track, false);
    const bool offers = said.release == plan.release;
    if (track.feed_channel.empty()) {
      if (!offers) continue;
      out.written = said.share;
      out.share = cohort::reach(client, said.share).share;
    } else if (offers && track.feed_channel == plan.stages[stage].rule.feed_channel) {
      out.cohort_file = track.feed_channel;
    }
  }
  return out;
}

bool higher(const std::string& version, const std::string& than) {
  return !version.empty() && compare_versions(version, than) > 0;
}

void recovery_of(const Plan& plan, const Capabilities& client, FeedPlan& out) {
  const bool opted_in = channel_of(plan).client(client.feed).allow_downgrade;
  const std::string& back = plan.fallback.empty() ? plan.baseline : plan.fallback;
  const bool down = client.downgrade == Downgrade::yes || (client.downgrade == Downgrade::opt_in && opted_in);
  if (back.empty()) {
    out.how = "no way back: there is no earlier release";
  } else if (higher(back, plan.release)) {
    out.recovers = true;
    out.recovers_to = back;
    out.how = "fallback " + back;
  } else if (down) {
    out.recovers = true;
    out.recovers_to = back;
    out.how = "back to " + back;
  } else if (client.downgrade == Downgrade::opt_in) {
    out.how = "no way back: the app was not built with allow-downgrade, and no fallback is prepared";
  } else {
    out.how = "no way back: the client never takes a lower version, and no fallback is prepared";
  }
}

struct Checker {
  const Plan& plan;
  const Capabilities& client;
  std::vector<FeedProblem>& out;
  On policy;

  void add(std::string what, std::string hint, bool can_be_nearest) const {
    out.push_back({fmt::format("{}: {}", client.feed, what), std::move(hint),
                   !(can_be_nearest && policy == On::nearest)});
  }

  [[nodiscard]] std::string or_serve() const {
    return client.servable ? ", or let `tranche serve` decide: on-unsupported: serve" : "";
  }

  void check_stage(std::size_t i) const {
    const spec::Stage& stage = plan.spec().stages[i];
    const std::string where = "stage '" + stage.name + "'";
    if (!stage.cohort.empty() && (!client.feed_channels || plan.stages[i].rule.feed_channel.empty())) {
      if (!client.feed_channels)
        add(fmt::format("{} is for cohort '{}', and this feed has one file for everyone", where,
                        stage.cohort),
            "leave the feed out of the channel, or the cohort out of the stages" + or_serve(), true);
      else
        add(fmt::format("{} is for cohort '{}', and a static file knows no labels", where, stage.cohort),
            fmt::format("give the cohort a file of its own: {}: {{ feed-channel: {} }}{}", stage.cohort,
                        stage.cohort, or_serve()),
            true);
      return;
    }
    if (stage.whole()) return;
    const cohort::Reach reach = cohort::reach(client, *stage.percent);
    if (reach.honoured) return;
    const std::string instead =
        reach.written.ppm > 0
            ? fmt::format("write {}, or on-unsupported: nearest to round down", to_text(reach.written))
        : client.fraction == cohort::Fraction::none
            ? std::string(
                  "stage it by cohorts with a feed-channel, or on-unsupported: nearest: nobody before 100%")
            : std::string("begin with a larger share, or on-unsupported: nearest: nobody at this stage");
    add(fmt::format("{} asks for {}, and {}", where, to_text(*stage.percent), reach.why),
        instead + or_serve(), true);
  }

  void check_salt() const {
    using Salt = spec::Rollout::Salt;
    const Salt salt = plan.spec().salt;
    if (salt == Salt::release && client.salt == ClientSalt::sticky)
      add("its clients always reach the same devices first; `salt: release` asks for other ones each time",
          "leave `salt` out" + or_serve(), true);
    if (salt == Salt::channel && client.salt == ClientSalt::release)
      add("its clients draw anew for each version; `salt: channel` asks for the same devices each time",
          "leave `salt` out", true);
  }

  void check_holds() const {
    for (const spec::Cohort& cohort : plan.config.cohorts)
      if (!cohort.hold.empty() && (cohort.feed_channel.empty() || !client.own_file))
        add(fmt::format("cohort '{}' is held at {}, and a static file cannot hold devices by label",
                        cohort.name, cohort.hold),
            client.own_file ? fmt::format("give the cohort a file of its own: feed-channel: {}{}",
                                          cohort.name, or_serve())
                            : "leave the feed out of the channel, or take the hold away" + or_serve(),
            false);
  }
};

}  // namespace

std::vector<FeedPlan> feed_plans(const Plan& plan) {
  std::vector<FeedPlan> out;
  for (const std::string& feed : channel_of(plan).feeds) {
    const Capabilities* client = cohort::find_client(feed);
    if (client == nullptr) continue;
    FeedPlan one;
    one.feed = feed;
    one.served = is_served(plan, *client);
    one.by_label = one.served || client->labels;
    for (std::size_t i = 0; i < plan.stages.size(); ++i)
      one.stages.push_back(stage_of(plan, *client, one.served, i));
    recovery_of(plan, *client, one);
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<FeedProblem> feed_problems(const Plan& plan, bool accept_no_way_back) {
  std::vector<FeedProblem> out;
  const spec::Channel& channel = channel_of(plan);
  for (const std::string& feed : channel.feeds) {
    const Capabilities* client = cohort::find_client(feed);
    if (client == nullptr || feed == native) continue;
    const Checker checker{plan, *client, out, channel.on_unsupported};
    if (client->needs_url && channel.url.empty())
      checker.add("its files name whole addresses, and the channel has none",
                  "say where clients read the store: url: https://...", false);
    if (is_served(plan, *client)) continue;
    for (std::size_t i = 0; i < plan.stages.size(); ++i) checker.check_stage(i);
    checker.check_salt();
    checker.check_holds();
  }
  if (plan.baseline.empty()) return out;  // the plan itself says so
  for (const FeedPlan& one : feed_plans(plan)) {
    if (one.recovers || one.feed == native) continue;
    out.push_back(
        {fmt::format("{}: a device that takes {} keeps it: {}", one.feed, plan.release, one.how),
         fmt::format("prepare one: build {} again under a version above {}, and release create VERSION "
                     "--fallback-for {} --same-as {}; or accept it: accept-no-way-back: true",
                     plan.baseline, plan.release, plan.release, plan.baseline),
         !accept_no_way_back});
  }
  return out;
}

Result<> check_feeds(const Plan& plan, bool accept_no_way_back) {
  std::optional<Error> first;
  for (const FeedProblem& problem : feed_problems(plan, accept_no_way_back)) {
    if (!problem.refused) continue;
    Error error(ErrorKind::invalid, problem.what, problem.hint);
    if (!first)
      first = std::move(error);
    else
      first->others.push_back(std::move(error));
  }
  if (first) return fail(std::move(*first));
  return {};
}

std::vector<std::string> stranding_feeds(const Plan& plan, std::size_t stage) {
  std::vector<std::string> out;
  for (const FeedPlan& one : feed_plans(plan)) {
    const auto reached = [&](const FeedStage& s) {
      return s.share > 0 || !s.cohort_file.empty() || one.by_label;
    };
    const auto end = one.stages.begin() + static_cast<std::ptrdiff_t>(std::min(stage + 1, one.stages.size()));
    if (!one.recovers && std::any_of(one.stages.begin(), end, reached)) out.push_back(one.feed);
  }
  return out;
}

}  // namespace tranche::rollout
