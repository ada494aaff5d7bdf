// What people are asked before a step of a playbook is taken, or by its action `approval`.
#pragma once

#include <string>

#include "actions/action.hpp"
#include "actions/approvals.hpp"

namespace tranche::actions {

StepQuestion question_of(const Call& call, std::string people);

}  // namespace tranche::actions
