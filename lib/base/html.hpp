// Text as HTML text: & < > " ' escaped; control characters, which have no place in a page, become U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace tranche {

std::string escape_html(std::string_view text);

}  // namespace tranche
