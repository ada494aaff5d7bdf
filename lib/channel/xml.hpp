// XML that strangers wrote, as a small tree. Only what feeds need: elements, attributes, text.
//
// No document type is accepted, so there are no entities beyond XML's own five: nothing expands, nothing is
// fetched. Size, depth and number of nodes are bounded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::channel {

struct XmlAttribute {
  std::string space, name, value;  // as for elements
};
struct XmlElement {
  std::string space;  // the namespace's URI; empty: none, or a prefix that nobody declared
  std::string name;   // without a declared prefix; with an undeclared one: "sparkle:version"
  std::string raw;    // as written
  std::vector<XmlAttribute> attributes;
  std::vector<XmlElement> children;
  std::string text;  // its own, CDATA included, without that of its children
  int line = 0;
  [[nodiscard]] const XmlElement* child(std::string_view name_wanted) const;  // the first of that raw name
};

struct XmlLimits {
  std::size_t max_bytes = 16 << 20;
  int max_depth = 32;
  std::size_t max_elements = 200'000;
  std::size_t max_attributes = 64;  // of one element
};

// The root element. kind verification, with the line: not well-formed, a document type, beyond `limits`.
Result<XmlElement> parse_xml(std::string_view bytes, const std::string& file, const XmlLimits& limits = {});

// Text between tags: & < > " ' escaped; what XML cannot hold (control characters) becomes U+FFFD.
std::string escape_xml(std::string_view text);
// The same as an attribute's value, where a reader would turn tabs and newlines into blanks.
std::string escape_xml_attribute(std::string_view text);

}  // namespace tranche::channel
