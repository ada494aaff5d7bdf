// The readers behind parse_json. Private to this room, its tests and fuzz targets.
#pragma once

#include <memory>
#include <optional>

#include "doc/value.hpp"

namespace tranche::doc::detail {

// Reads a JSON text as machines write them, an order of magnitude cheaper than the careful reader. nullopt is
// no refusal: the text has something that this reader leaves to the careful one (\u escapes, numbers out of
// range, duplicate keys, anything beyond `limits`, anything that is no JSON). What it returns is what the
// careful reader returns, places included. The text is valid UTF-8 and within max_bytes.
std::optional<Value> read_plain_json(const std::shared_ptr<const Source>& source, const Limits& limits);

// Reads every JSON text, and words every refusal. The text is valid UTF-8 without NUL, within max_bytes.
Result<Value> read_careful_json(const std::shared_ptr<const Source>& source, const Limits& limits);

}  // namespace tranche::doc::detail
