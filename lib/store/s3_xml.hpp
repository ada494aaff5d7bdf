// The XML that S3 answers with: elements and text, nothing else. No document types, no comments, no entities
// but the five of XML and numbers, bounded in size, depth and count: the answer of a server is hostile until
// read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tranche::store {

struct XmlElement {
  std::string name;  // without a namespace prefix
  std::string text;  // of its own, entities read
  std::vector<XmlElement> children;
  // The first child of that name, or null; its text, or "".
  [[nodiscard]] const XmlElement* find(std::string_view wanted) const;
  [[nodiscard]] std::string_view text_of(std::string_view wanted) const;
};

// The root element; kind verification when it is not such a document.
Result<XmlElement> parse_xml(std::string_view bytes);
std::string escape_xml(std::string_view text);

}  // namespace tranche::store
