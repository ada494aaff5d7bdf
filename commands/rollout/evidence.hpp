// A start that was denied because of what the release brings, for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commands/command.hpp"
#include "engine/engine.hpp"

namespace tranche::commands {

// With --json: {"schema", "started": false, "reason": the first failing check's code, "checks": [{"name",
// "ok", "detail", "reason"?, "hint"?}]}, exit 7. nullopt: the error is not about evidence, or is shown as
// text.
Result<std::optional<Outcome>> show_denial(Context& context, actions::Deck& deck,
                                           const engine::StartRequest& request, const Error& error,
                                           std::string_view schema);

}  // namespace tranche::commands
