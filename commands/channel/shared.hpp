// What the commands about channels share.
#pragma once

#include <string>

#include "channel/static_feeds.hpp"
#include "commands/command.hpp"
#include "doc/value.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {

// The channel of that name; kind invalid, with the nearest one as hint, when there is none.
Result<const spec::Channel*> find_channel(const spec::App& app, const std::string& name);

doc::Value changes_json(const channel::ChannelReport& report);
// File by file, as `diff -u` writes it; empty: nothing would change.
std::string changes_text(const channel::ChannelReport& report, bool color);

}  // namespace tranche::commands
