// The table of clients, and what a wanted share becomes in each.
#include "cohort/clients.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

namespace {

constexpr Capabilities table[] = {
    {.feed = "tranche",
     .fraction = Fraction::any,
     .salt = ClientSalt::any,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::yes,
     .labels = true,
     .feed_channels = true,
     .own_file = true,
     .servable = true,
     .fraction_text = "any, to 0.0001%",
     .salt_text = "per release, or kept",
     .pause_text = "at any share",
     .downgrade_text = "yes",
     .force_text = "no",
     .cohorts_text = "by labels, lists and shares",
     .previous_text = "yes",
     .signed_text = "yes, by the feed key"},
    {.feed = "electron",
     .fraction = Fraction::whole_percent,
     .salt = ClientSalt::sticky,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::opt_in,
     .feed_channels = true,
     .own_file = true,
     .servable = true,
     .fraction_text = "whole percents",
     .salt_text = "always the same devices first",
     .pause_text = "stagingPercentage: 0",
     .downgrade_text = "with allowDowngrade",
     .force_text = "no",
     .cohorts_text = "by a feed-channel",
     .previous_text = "no: they stay where they are",
     .signed_text = "no; ours stands beside it"},
    {.feed = "apt",
     .fraction = Fraction::whole_percent,
     .salt = ClientSalt::release,
     .pausing = Pausing::withdraw_only,
     .downgrade = Downgrade::opt_in,
     .feed_channels = true,
     .own_file = true,
     .fraction_text = "1 in 101 steps: P% reaches (P + 1) of 101",
     .salt_text = "per version",
     .pause_text = "by withdrawing the version: 0 still reaches 1 in 101",
     .downgrade_text = "where machines pin the repository above 1000",
     .force_text = "no",
     .cohorts_text = "by a feed-channel: a suite of its own",
     .previous_text = "no: they are kept back",
     .signed_text = "yes, InRelease by gpg"},
    {.feed = "tauri",
     .fraction = Fraction::none,
     .salt = ClientSalt::none,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::opt_in,
     .feed_channels = true,
     .own_file = true,
     .needs_url = true,
     .servable = true,
     .fraction_text = "none",
     .salt_text = "none",
     .pause_text = "the previous file",
     .downgrade_text = "with a version comparator of its own",
     .force_text = "no",
     .cohorts_text = "by a feed-channel",
     .previous_text = "no",
     .signed_text = "no: the file's signature only; ours stands beside it"},
    {.feed = "sparkle",
     .fraction = Fraction::sevenths,
     .salt = ClientSalt::sticky,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::no,
     .feed_channels = true,
     .needs_url = true,
     .fraction_text = "sevenths",
     .salt_text = "always the same devices first",
     .pause_text = "by a pubDate that stands still",
     .downgrade_text = "no",
     .force_text = "criticalUpdate",
     .cohorts_text = "by a feed-channel: sparkle:channel",
     .previous_text = "yes",
     .signed_text = "the archive; the feed since 2.9, opt-in"},
    {.feed = "velopack",
     .fraction = Fraction::none,
     .salt = ClientSalt::none,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::opt_in,
     .feed_channels = true,
     .own_file = true,
     .servable = true,
     .fraction_text = "none",
     .salt_text = "none",
     .pause_text = "the previous assets",
     .downgrade_text = "with AllowVersionDowngrade",
     .force_text = "no",
     .cohorts_text = "by a feed-channel",
     .previous_text = "no: the client takes the highest",
     .signed_text = "no; ours stands beside it"},
    {.feed = "squirrel",
     .fraction = Fraction::whole_percent,
     .salt = ClientSalt::sticky,
     .pausing = Pausing::any_time,
     .downgrade = Downgrade::no,
     .fraction_text = "whole percents",
     .salt_text = "always the same devices first",
     .pause_text = "# 0%",
     .downgrade_text = "no",
     .force_text = "no",
     .cohorts_text = "no",
     .previous_text = "yes",
     .signed_text = "no; ours stands beside it"},
};

// Shares that differ by less than this are the same to a person: 14.3% is one seventh.
constexpr std::uint32_t rounding_ppm = 500;

constexpr std::uint32_t one_percent = Percent::whole / 100;

std::uint32_t sevenths_ppm(std::uint32_t k) { return (Percent::whole * k + 3) / 7; }

Reach whole_percents(const Capabilities& client, Percent wanted) {
  Reach out;
  out.written = Percent{wanted.ppm / one_percent * one_percent};
  const std::uint32_t percents = out.written.ppm / one_percent;
  // APT draws 0..100 and upgrades at draw <= P; the others draw 32 bits and compare with P/100.
  const bool apt = client.pausing == Pausing::withdraw_only;
  out.share = out.written.everyone() ? 1 : apt ? (percents + 1) / 101.0 : percents / 100.0;
  out.honoured = out.written == wanted;
  if (!out.honoured)
    out.why = fmt::format("the client reads whole percents only: {} would be {}", to_text(wanted),
                          to_text(out.written));
  if (apt && percents == 0) {
    out.honoured = false;
    out.why = "at Phased-Update-Percentage: 0 one machine in 101 still upgrades";
  }
  return out;
}

Reach in_sevenths(Percent wanted) {
  Reach out;
  std::uint32_t k = 0;
  while (k < 7 && sevenths_ppm(k + 1) <= wanted.ppm + rounding_ppm) ++k;
  out.written = Percent{k == 7 ? Percent::whole : sevenths_ppm(k)};
  out.share = k / 7.0;
  out.honoured = wanted.ppm <= out.written.ppm + rounding_ppm;
  if (!out.honoured)
    out.why = fmt::format("the client knows seven groups: {} would be {} of 7 ({})", to_text(wanted), k,
                          to_text(Percent{out.written.ppm / 1000 * 1000}));
  return out;
}

}  // namespace

std::span<const Capabilities> clients() { return table; }

const Capabilities* find_client(std::string_view feed) {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const Capabilities& client) { return client.feed == feed; });
  return found == std::end(table) ? nullptr : found;
}

Reach reach(const Capabilities& client, Percent wanted) {
  if (wanted.everyone()) return {wanted, 1, true, {}};
  switch (client.fraction) {
    case Fraction::any:
      return {wanted, wanted.fraction(), true, {}};
    case Fraction::whole_percent:
      return whole_percents(client, wanted);
    case Fraction::sevenths:
      return in_sevenths(wanted);
    case Fraction::none:
      break;
  }
  return {{}, 0, wanted.ppm == 0, "the client decides nothing: a file reaches everybody who reads it"};
}

}  // namespace tranche::cohort
