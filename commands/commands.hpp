// Every command, one maker each, in the order of cli/registry.cpp.
#pragma once

#include "commands/command.hpp"

namespace tranche::commands {

// set up, validate
Command init();
Command check();
Command schema();
Command doctor();

// supply chain
Command sbom();
Command sbom_diff();
Command sbom_audit();
Command sign();
Command verify();
Command attest();
Command key_generate();
Command key_show();

// releases and rollouts
Command release_create();
Command release_show();
Command release_list();
Command release_diff();
Command rollout_plan();
Command rollout_start();
Command rollout_advance();
Command rollout_run();
Command rollout_watch();
Command rollout_status();
Command rollout_pause();
Command rollout_resume();
Command rollout_promote();
Command rollout_amend();
Command rollout_undo();
Command rollout_history();
Command stop();
Command approve();
Command approve_list();

// what decides and what is switched
Command explain();
Command gate_list();
Command gate_run();
Command gate_plan();
Command gate_replay();
Command gate_compare();
Command playbook_list();
Command playbook_show();
Command playbook_run();
Command playbook_resume();
Command playbook_drill();
Command flag_set();
Command flag_get();
Command flag_list();
Command flag_history();

// what is published and recorded
Command feed_check();
Command feed_predict();
Command feed_list();
Command feed_audit();
Command channel_adopt();
Command channel_diff();
Command journal_show();
Command journal_verify();
Command report();

// devices, real and rehearsed
Command serve();
Command fleet_run();
Command simulate();

// about
Command completion();
Command version();
Command help();

}  // namespace tranche::commands
