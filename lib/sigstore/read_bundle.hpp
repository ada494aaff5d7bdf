// Reading with reasons: what parse_bundle does, for callers that show codes.
#pragma once

#include "sigstore/bundle.hpp"
#include "sigstore/proto_json.hpp"

namespace tranche::sigstore {

Checked<Bundle> read_bundle(std::string_view json);
// One TransparencyLogEntry; `where` names it in messages.
LogEntry read_log_entry(ProtoReader& reader, const doc::Value& json, const std::string& where);

}  // namespace tranche::sigstore
