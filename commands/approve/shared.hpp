// What the commands about approvals share: how a request and its standing are shown.
#pragma once

#include <string>

#include "doc/value.hpp"
#include "engine/approvals.hpp"
#include "signing/sshsig.hpp"

namespace tranche::commands {

// {id, what, digest, people, next, met, given, wanted, by, why, expires}
doc::Value waiting_json(const engine::Waiting& waiting);
std::string standing_text(const engine::Waiting& waiting);  // "1 of 2: bo@example.org"

}  // namespace tranche::commands
