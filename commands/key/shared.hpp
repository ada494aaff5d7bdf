#pragma once

#include <string>

#include "commands/command.hpp"
#include "crypto/ed25519.hpp"

namespace tranche::commands {

// {"role", "key-id", "public", "secret"}; members without a value are absent.
doc::Value key_json(std::string_view role, const crypto::PublicKey& key, std::string_view public_path,
                    std::string_view secret_path = {});

}  // namespace tranche::commands
