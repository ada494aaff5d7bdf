// One question to a language model over HTTP. Private to this room.
#pragma once

#include <string>

#include "gate/opinion.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::metrics::internal {

// A point of Clock::elapsed.
using Deadline = std::chrono::nanoseconds;
Duration time_left(ports::Clock& clock, Deadline deadline);  // never negative

// The text of the model's answer, unread. 429, 5xx and lost connections are tried again while there is time.
// Errors, kind failed: outage, refusal, a tool call instead of text, a cut answer, one of another shape; kind
// interrupted. No message holds text that the server made, but for words of [a-z0-9_]{1,40}.
Result<std::string> complete(ports::World& world, const spec::Model& model, const Secret& key,
                             const gate::Prompt& prompt, Deadline deadline);

}  // namespace tranche::metrics::internal
