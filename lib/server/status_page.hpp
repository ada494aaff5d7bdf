// The page at /: what runs where, for a person with a browser.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "server/counters.hpp"
#include "server/feeds.hpp"

namespace tranche::server {

// Self-contained HTML, no scripts; every text from outside is escaped.
std::string render_status_page(const Feeds& feeds, const std::vector<Row>& rows, Instant now);
}  // namespace tranche::server
