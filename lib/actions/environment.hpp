// A protected environment of a CI approves: the job that people let run there has an identity token that says
// so. The token is looked at here and forgotten; what it says goes into the journal, vouched for by the
// journal's own key, because a bearer token must not lie in a log.
#pragma once

#include <string>
#include <string_view>

#include "actions/approvals.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"

namespace tranche::actions {

// The token: by reference (env:TRANCHE_NAME, file:PATH); without one GitHub Actions is asked for it. kind
// invalid with a hint where there is none.
Result<Secret> find_environment_token(Deck& deck, const spec::People::Environment& environment,
                                      std::string_view reference);

// The document that records the environment's yes, once its token has been verified: signature, issuer,
// audience, times, every claim. The issuer's keys are those frozen with the plan, or are fetched by its
// discovery document (https, or this machine). kind verification and denied as verify_token; denied also for
// a token that has approved something else.
Result<std::string> environment_approval(Deck& deck, const spec::App& frozen, const Request& request,
                                         const signing::Approval& approval, const Secret& token, Instant now);

}  // namespace tranche::actions
