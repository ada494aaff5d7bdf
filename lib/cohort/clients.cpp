// The table of clients, and what a wanted share becomes in each.
#include "cohort/clients.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cohort/internal.hpp"

namespace tranche::cohort {

namespace {

constexpr Capabilities table[] = {
    {"tranche",
     Fraction::any,
     ClientSalt::any,
     Pausing::any_time,
     Downgrade::yes,
     false,
     true,
     true,
     true,
     false,
     true,
     true,
     true,
     "any, to 0.0001%",
     "per release, or kept",
     "at any share",
     "yes",
     "no",
     "by labels, lists and shares",
     "yes",
     "yes, by the feed key"},
    {"electron",
     Fraction::whole_percent,
     ClientSalt::sticky,
     Pausing::any_time,
     Downgrade::opt_in,
     false,
     false,
     true,
     true,
     false,
     false,
     false,
     true,
     "whole percents",
     "always the same devices first",
     "stagingPercentage: 0",
     "with allowDowngrade",
     "no",
     "by a feed-channel",
     "no: they stay where they are",
     "no; ours stands beside it"},
    {"apt",
     Fraction::whole_percent,
     ClientSalt::release,
     Pausing::withdraw_only,
     Downgrade::opt_in,
     false,
     false,
     true,
     true,
     false,
     false,
     true,
     false,
     "1 in 101 steps: P% reaches (P + 1) of 101",
     "per version",
     "by withdrawing the version: 0 still reaches 1 in 101",
     "where machines pin the repository above 1000",
     "no",
     "by a feed-channel: a suite of its own",
     "no: they are kept back",
     "yes, InRelease by gpg"},
    {"tauri",
     Fraction::none,
     ClientSalt::none,
     Pausing::any_time,
     Downgrade::opt_in,
     false,
     false,
     true,
     true,
     true,
     false,
     false,
     true,
     "none",
     "none",
     "the previous file",
     "with a version comparator of its own",
     "no",
     "by a feed-channel",
     "no",
     "no: the file's signature only; ours stands beside it"},
    {"sparkle",
     Fraction::sevenths,
     ClientSalt::sticky,
     Pausing::any_time,
     Downgrade::no,
     true,
     false,
     true,
     false,
     true,
     true,
     false,
     false,
     "sevenths",
     "always the same devices first",
     "by a pubDate that stands still",
     "no",
     "criticalUpdate",
     "by a feed-channel: sparkle:channel",
     "yes",
     "the archive; the feed since 2.9, opt-in"},
    {"velopack",
     Fraction::none,
     ClientSalt::none,
     Pausing::any_time,
     Downgrade::opt_in,
     false,
     false,
     true,
     true,
     false,
     false,
     false,
     true,
     "none",
     "none",
     "the previous assets",
     "with AllowVersionDowngrade",
     "no",
     "by a feed-channel",
     "no: the client takes the highest",
     "no; ours stands beside it"},
    {"squirrel",
     Fraction::whole_percent,
     ClientSalt::sticky,
     Pausing::any_time,
     Downgrade::no,
     false,
     false,
     false,
     false,
     false,
     true,
     false,
     false,
     "whole percents",
     "always the same devices first",
     "# 0%",
     "no",
     "no",
     "no",
     "yes",
     "no; ours stands beside it"},
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
