// Asks a language model about the logs of both arms (spec::Model, gate/opinion.hpp), over the Anthropic
// Messages API or an OpenAI-compatible chat API.
//
// An outage, a refusal or nonsense is an opinion without content and never an error, so it holds; so does a
// log that cannot be read. What leaves this machine is the redacted excerpt and nothing else; what enters the
// journal is OpinionMemory.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "gate/opinion.hpp"
#include "metrics/source.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::metrics {

// The values behind spec::Model's key and the tokens of its logs; each may be empty.
struct ModelSecrets {
  Secret key, canary_token, control_token;
};

gate::OpinionConfig opinion_config(const spec::Gate& gate);

// The opinion as of now, for a gate of kind model. Within `ask-every` of the last question it is the
// remembered one; excerpts that have not changed are not asked about twice, and a canary's log that has not
// changed for an hour is no data. Otherwise the logs are read and the model is asked, with its control
// question, all within `timeout`. `memory` is brought up to date; journal it before the opinion counts.
// `repository`: where files and commands of logs are; empty: there is no checkout, and they are no data.
// Errors: kind invalid (a variable that may not stand in a query, a path that leaves the repository), kind
// interrupted.
Result<gate::Opinion> ask_model(ports::World& world, const std::string& repository, const spec::Gate& gate,
                                const Variables& variables, const ModelSecrets& secrets,
                                gate::OpinionMemory& memory);

}  // namespace tranche::metrics
