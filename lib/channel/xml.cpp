// Expat reads, without its own namespace processing: a feed that forgot to declare a prefix is read by its
// clients all the same, and expat would refuse it.
#include "channel/xml.hpp"

#include <expat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"

namespace tranche::channel {

namespace {

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

struct Building {
  XML_Parser parser = nullptr;
  const XmlLimits* limits = nullptr;
  XmlElement root;
  std::vector<XmlElement*> open;  // from the root down; a child is finished before its next sibling starts
  std::vector<std::vector<std::pair<std::string, std::string>>> prefixes;  // declared by each open element
  std::size_t elements = 0;
  std::string refused;

  void refuse(std::string why) {
    if (refused.empty()) refused = std::move(why);
    XML_StopParser(parser, XML_FALSE);
  }
  const std::string* uri_of(std::string_view prefix) const {
    for (auto level = prefixes.rbegin(); level != prefixes.rend(); ++level)
      for (const auto& [name, uri] : *level)
        if (name == prefix) return &uri;
    return nullptr;
  }
  // Attributes without a prefix are in no namespace.
  void resolve(std::string_view raw, bool attribute, std::string& space, std::string& name) const {
    const std::size_t colon = raw.find(':');
    const bool prefixed = colon != std::string_view::npos;
    const std::string* uri = prefixed    ? uri_of(raw.substr(0, colon))
                             : attribute ? nullptr
                                         : uri_of(std::string_view());
    space = uri == nullptr ? std::string() : *uri;
    name = prefixed && uri != nullptr ? raw.substr(colon + 1) : raw;
  }
};

void XMLCALL start_element(void* user, const XML_Char* raw, const XML_Char** attributes) {
  auto& building = *static_cast<Building*>(user);
  if (static_cast<int>(building.open.size()) >= building.limits->max_depth)
    return building.refuse("is nested too deeply");
  if (++building.elements > building.limits->max_elements) return building.refuse("has too many elements");
  building.prefixes.emplace_back();
  std::size_t count = 0;
  for (const XML_Char** at = attributes; *at != nullptr; at += 2) {
    if (++count > building.limits->max_attributes)
      return building.refuse("has an element with too many attributes");
    const std::string_view name = at[0];
    if (name == "xmlns") building.prefixes.back().emplace_back("", at[1]);
    if (name.starts_with("xmlns:")) building.prefixes.back().emplace_back(name.substr(6), at[1]);
  }
  XmlElement* element = &building.root;
  if (!building.open.empty()) element = &building.open.back()->children.emplace_back();
  element->raw = raw;
  element->line = static_cast<int>(XML_GetCurrentLineNumber(building.parser));
  building.resolve(raw, false, element->space, element->name);
  for (const XML_Char** at = attributes; *at != nullptr; at += 2) {
    XmlAttribute attribute;
    building.resolve(at[0], true, attribute.space, attribute.name);
    attribute.value = at[1];
    element->attributes.push_back(std::move(attribute));
  }
  building.open.push_back(element);
}

void XMLCALL end_element(void* user, const XML_Char* /*raw*/) {
  auto& building = *static_cast<Building*>(user);
  if (building.open.empty()) return;
  building.open.pop_back();
  building.prefixes.pop_back();
}

void XMLCALL add_text(void* user, const XML_Char* text, int length) {
  auto& building = *static_cast<Building*>(user);
  if (!building.open.empty()) building.open.back()->text.append(text, static_cast<std::size_t>(length));
}

void XMLCALL start_doctype(void* user, const XML_Char* /*name*/, const XML_Char* /*system*/,
                           const XML_Char* /*pub*/, int /*internal*/) {
  static_cast<Building*>(user)->refuse("has a document type, which may hide entities");
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view name_wanted) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const XmlElement& one) { return one.raw == name_wanted; });
  return found == children.end() ? nullptr : &*found;
}

Result<XmlElement> parse_xml(std::string_view bytes, const std::string& file, const XmlLimits& limits) {
  constexpr auto kind = ErrorKind::verification;
  const std::string shown = printable(file);
  if (bytes.size() > limits.max_bytes)
    return fail_hint(kind, "no client needs so much", "{} is larger than {} bytes", shown, limits.max_bytes);
  const Parser parser(XML_ParserCreate(nullptr));
  if (parser == nullptr) return fail(ErrorKind::failed, "expat has no memory for a parser");
  Building building;
  building.parser = parser.get();
  building.limits = &limits;
  XML_SetUserData(parser.get(), &building);
  XML_SetElementHandler(parser.get(), start_element, end_element);
  XML_SetCharacterDataHandler(parser.get(), add_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), start_doctype);
  const XML_Status status = XML_Parse(parser.get(), bytes.data(), static_cast<int>(bytes.size()), XML_TRUE);
  const auto line = XML_GetCurrentLineNumber(parser.get());
  if (!building.refused.empty())
    return fail_hint(kind, "write the feed without it", "{}:{}: the file {}", shown, line, building.refused);
  if (status != XML_STATUS_OK)
    return fail_hint(kind, "a client refuses the whole feed: write it again",
                     "{}:{}: not well-formed XML: {}", shown, line,
                     XML_ErrorString(XML_GetErrorCode(parser.get())));
  return std::move(building.root);
}

std::string escape_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      case '\t':
      case '\n':
        out += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f')
          out += "\xef\xbf\xbd";
        else
          out += c;
    }
  }
  return out;
}

std::string escape_xml_attribute(std::string_view text) {
  return replace_all(replace_all(escape_xml(text), "\n", "&#10;"), "\t", "&#9;");
}

}  // namespace tranche::channel
