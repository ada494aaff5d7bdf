// What a published feed really does, without any configuration: which client reads it, whom it reaches now,
// what a wanted share would become in it, and what a person should know.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "channel/ecosystem.hpp"
#include "channel/site.hpp"

namespace tranche::channel {

// The feed that a file is, from its name and its beginning: "electron", "apt", ... "tranche" for our own;
// empty: none that is known. A guess: reading it is what decides.
std::string detect_feed(std::string_view name, std::string_view bytes);

// What a share that somebody asks for becomes.
struct Asked {
  Percent wanted;
  cohort::Reach reach;
};

struct FeedAudit {
  std::string feed;
  std::unique_ptr<View> view;
  std::vector<Asked> asked;
  std::vector<Remark> remarks;  // problems first
};

struct AuditInput {
  std::string feed;              // empty: detected
  std::string channel;           // what the ecosystem calls it; empty: its default
  bool allow_downgrade = false;  // what the app was built with
  std::vector<Percent> wanted;
  Instant now{};
};

// The feeds at a site: of the one file when there is one, else of every ecosystem that finds its files there.
// kind invalid: nothing is a feed that this build knows. kind verification: a client would refuse what it
// read.
Result<std::vector<FeedAudit>> audit_site(const Opened& opened, const AuditInput& input,
                                          const std::vector<Ecosystem>& known = ecosystems());

std::string_view to_text(Level level);  // "good", "note", "warning", "problem"
// The worst level of all; good when there is no remark.
Level worst_level(const std::vector<FeedAudit>& audits);

}  // namespace tranche::channel
