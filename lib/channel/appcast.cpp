#include "channel/appcast.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"
#include "channel/xml.hpp"

namespace tranche::channel {

namespace {

constexpr std::string_view signature_prefix = "<!-- sparkle-signatures:\n";

// "sparkle:version" for whatever is in Sparkle's namespace, the name as written otherwise.
std::string own_name(const std::string& space, const std::string& name, const std::string& raw) {
  return space == sparkle_namespace ? "sparkle:" + name : raw;
}

std::string attribute(const XmlElement& element, std::string_view wanted) {
  for (const XmlAttribute& one : element.attributes)
    if (own_name(one.space, one.name, one.name) == wanted) return one.value;
  return {};
}
bool has_attribute(const XmlElement& element, std::string_view wanted) {
  return std::any_of(element.attributes.begin(), element.attributes.end(), [&](const XmlAttribute& one) {
    return own_name(one.space, one.name, one.name) == wanted;
  });
}

// Of several elements of one name, clients take the one in the user's language. Ours is English.
const XmlElement* find(const XmlElement& item, std::string_view wanted) {
  const XmlElement* first = nullptr;
  for (const XmlElement& one : item.children) {
    if (own_name(one.space, one.name, one.raw) != wanted) continue;
    const std::string language = attribute(one, "xml:lang");
    if (language.empty() || language == "en" || language.starts_with("en-")) return &one;
    if (first == nullptr) first = &one;
  }
  return first;
}

// Without blanks around it, as clients read all texts but dates.
std::string text_of(const XmlElement& item, std::string_view wanted) {
  const XmlElement* found = find(item, wanted);
  return found == nullptr ? std::string() : std::string(trim(found->text));
}

// integerValue: blanks, a sign, digits; anything else is 0.
std::int64_t integer_value(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc::result_out_of_range) return text.starts_with('-') ? INT64_MIN : INT64_MAX;
  return value;
}

bool is_web(std::string_view url) {
  const std::string small = lower(url.substr(0, 8));
  return small.starts_with("http://") || small.starts_with("https://");
}
// A relative address is resolved against the feed's own, which came over http(s).
bool is_relative(std::string_view url) {
  const std::size_t colon = url.find(':');
  return colon == std::string_view::npos || url.find_first_of("/?#") < colon;
}

Enclosure read_enclosure(const XmlElement& element) {
  Enclosure out;
  out.url = attribute(element, "url");
  out.type = attribute(element, "type");
  const std::int64_t length = integer_value(attribute(element, "length"));
  out.length = length > 0 ? static_cast<std::uint64_t>(length) : 0;
  out.ed_signature = attribute(element, "sparkle:edSignature");
  out.dsa_signature = attribute(element, "sparkle:dsaSignature");
  out.os = attribute(element, "sparkle:os");
  out.installation_type = attribute(element, "sparkle:installationType");
  out.delta_from = attribute(element, "sparkle:deltaFrom");
  out.phased_attribute = has_attribute(element, "sparkle:phasedRolloutInterval");
  return out;
}

// AppName_1.3.4.zip: what follows the last underscore, without its suffix.
std::string deduced_version(std::string_view url) {
  const std::size_t underscore = url.rfind('_');
  if (underscore == std::string_view::npos) return {};
  const std::string_view last = url.substr(underscore + 1);
  return std::string(last.substr(0, last.rfind('.')));
}

bool is_channel_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  });
}

void read_texts(const XmlElement& element, AppcastItem& item) {
  item.title = text_of(element, "title");
  item.link = text_of(element, "link");
  item.notes_link = text_of(element, "sparkle:releaseNotesLink");
  item.full_notes_link = text_of(element, "sparkle:fullReleaseNotesLink");
  if (const XmlElement* description = find(element, "description")) {
    item.description = description->text;
    item.description_format = attribute(*description, "sparkle:format");
  }
  item.minimum_system = text_of(element, "sparkle:minimumSystemVersion");
  item.maximum_system = text_of(element, "sparkle:maximumSystemVersion");
  item.minimum_autoupdate = text_of(element, "sparkle:minimumAutoupdateVersion");
  item.minimum_update = text_of(element, "sparkle:minimumUpdateVersion");
  item.ignore_skipped_below = text_of(element, "sparkle:ignoreSkippedUpgradesBelowVersion");
  item.hardware = text_of(element, "sparkle:hardwareRequirements");
  if (const XmlElement* date = find(element, "pubDate")) {
    item.pub_date = date->text;
    item.released = parse_rss_date(*item.pub_date);
  }
  if (const XmlElement* interval = find(element, "sparkle:phasedRolloutInterval"))
    item.phased_interval = integer_value(interval->text);
  item.channel = text_of(element, "sparkle:channel");
  if (!is_channel_name(item.channel)) std::swap(item.channel, item.channel_ignored);
}

void read_rules(const XmlElement& element, AppcastItem& item) {
  if (const XmlElement* critical = find(element, "sparkle:criticalUpdate"))
    item.critical = attribute(*critical, "sparkle:version");
  else if (const XmlElement* tags = find(element, "sparkle:tags");
           tags != nullptr && tags->child("sparkle:criticalUpdate") != nullptr)
    item.critical = "";
  if (const XmlElement* informational = find(element, "sparkle:informationalUpdate")) {
    item.informational.emplace();
    for (const XmlElement& one : informational->children) {
      if (one.raw == "sparkle:version") item.informational->push_back(one.text);
      if (one.raw == "sparkle:belowVersion") item.informational->push_back("<" + one.text);
    }
  }
}

std::unexpected<Error> refuse(const std::string& file, int line, std::string_view what) {
  return fail_hint(ErrorKind::verification, "one such item makes clients refuse the whole feed", "{}:{}: {}",
                   printable(file), line, what);
}

Result<AppcastItem> read_item(const XmlElement& element, const std::string& file) {
  AppcastItem item;
  item.line = element.line;
  read_texts(element, item);
  read_rules(element, item);
  const XmlElement* enclosure = find(element, "enclosure");
  if (enclosure != nullptr) {
    item.enclosure = read_enclosure(*enclosure);
    item.version = attribute(*enclosure, "sparkle:version");
    item.short_version = attribute(*enclosure, "sparkle:shortVersionString");
  }
  if (enclosure == nullptr || !has_attribute(*enclosure, "sparkle:version"))
    item.version = text_of(element, "sparkle:version");
  if (item.version.empty() && enclosure != nullptr) item.version = deduced_version(item.enclosure->url);
  if (item.short_version.empty()) item.short_version = text_of(element, "sparkle:shortVersionString");
  if (item.short_version.empty()) item.short_version = item.version;
  if (item.version.empty()) return refuse(file, element.line, "an item has no sparkle:version");
  const bool has_link = !item.link.empty() && (is_web(item.link) || is_relative(item.link));
  if (enclosure == nullptr && !has_link)
    return refuse(file, element.line, "an item has neither an enclosure nor a link");
  if (enclosure != nullptr && item.enclosure->url.empty() && !has_link)
    return refuse(file, element.line, "an enclosure has no url");
  if (enclosure != nullptr && !is_web(item.enclosure->url) && !is_relative(item.enclosure->url))
    return refuse(file, element.line, "an enclosure's url is neither http nor https");
  if (enclosure != nullptr) {
    const std::string& type = item.enclosure->installation_type;
    if (!type.empty() && type != "application" && type != "package" && type != "interactive-package")
      return refuse(file, element.line, "an enclosure has an unknown sparkle:installationType");
  }
  if (!has_link)
    item.informational.reset();
  else if (enclosure == nullptr)
    item.informational.emplace();
  if (const XmlElement* deltas = find(element, "sparkle:deltas"))
    for (const XmlElement& one : deltas->children)
      if (one.raw == "enclosure" && has_attribute(one, "sparkle:deltaFrom"))
        item.deltas.push_back(read_enclosure(one));
  return item;
}

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// --- writing ---------------------------------------------------------------------------------------------

void add_element(std::string& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out += fmt::format("      <{0}>{1}</{0}>\n", name, escape_xml(text));
}

std::string enclosure_text(const Enclosure& one, std::string_view indent) {
  std::string out = fmt::format("{}<enclosure url=\"{}\"", indent, escape_xml_attribute(one.url));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) out += fmt::format(" {}=\"{}\"", name, escape_xml_attribute(value));
  };
  add("sparkle:deltaFrom", one.delta_from);
  if (one.length > 0) add("length", fmt::format("{}", one.length));
  add("type", one.type);
  add("sparkle:os", one.os);
  add("sparkle:installationType", one.installation_type);
  add("sparkle:dsaSignature", one.dsa_signature);
  add("sparkle:edSignature", one.ed_signature);
  return out + "/>\n";
}

std::string item_text(const AppcastItem& item) {
  std::string out = "    <item>\n";
  add_element(out, "title", item.title);
  add_element(out, "link", item.link);
  if (item.pub_date) add_element(out, "pubDate", *item.pub_date);
  add_element(out, "sparkle:channel", item.channel);
  add_element(out, "sparkle:version", item.version);
  add_element(out, "sparkle:shortVersionString", item.short_version);
  add_element(out, "sparkle:minimumSystemVersion", item.minimum_system);
  add_element(out, "sparkle:maximumSystemVersion", item.maximum_system);
  add_element(out, "sparkle:hardwareRequirements", item.hardware);
  add_element(out, "sparkle:minimumAutoupdateVersion", item.minimum_autoupdate);
  add_element(out, "sparkle:minimumUpdateVersion", item.minimum_update);
  add_element(out, "sparkle:ignoreSkippedUpgradesBelowVersion", item.ignore_skipped_below);
  if (item.phased_interval)
    add_element(out, "sparkle:phasedRolloutInterval", fmt::format("{}", *item.phased_interval));
  if (item.critical)
    out += item.critical->empty() ? std::string("      <sparkle:criticalUpdate/>\n")
                                  : fmt::format("      <sparkle:criticalUpdate sparkle:version=\"{}\"/>\n",
                                                escape_xml_attribute(*item.critical));
  if (item.informational && item.enclosure) {
    out += "      <sparkle:informationalUpdate>\n";
    for (const std::string& one : *item.informational)
      out += one.starts_with('<')
                 ? fmt::format("        <sparkle:belowVersion>{}</sparkle:belowVersion>\n",
                               escape_xml(std::string_view(one).substr(1)))
                 : fmt::format("        <sparkle:version>{}</sparkle:version>\n", escape_xml(one));
    out += "      </sparkle:informationalUpdate>\n";
  }
  add_element(out, "sparkle:releaseNotesLink", item.notes_link);
  add_element(out, "sparkle:fullReleaseNotesLink", item.full_notes_link);
  if (!item.description.empty())
    out += fmt::format(
        "      <description{}>{}</description>\n",
        item.description_format.empty()
            ? std::string()
            : fmt::format(" sparkle:format=\"{}\"", escape_xml_attribute(item.description_format)),
        escape_xml(item.description));
  if (item.enclosure) out += enclosure_text(*item.enclosure, "      ");
  if (!item.deltas.empty()) {
    out += "      <sparkle:deltas>\n";
    for (const Enclosure& one : item.deltas) out += enclosure_text(one, "        ");
    out += "      </sparkle:deltas>\n";
  }
  return out + "    </item>\n";
}

}  // namespace

std::optional<Instant> parse_rss_date(std::string_view text) {
  text = trim(text);
  const auto take_number = [&](std::size_t least, std::size_t most) -> std::optional<int> {
    std::size_t digits = 0;
    while (digits < most && digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    if (digits < least) return std::nullopt;
    const auto value = parse_u64(text.substr(0, digits));
    text.remove_prefix(digits);
    return static_cast<int>(*value);
  };
  const auto take = [&](std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
  };
  if (text.size() < 4 || std::find(weekdays.begin(), weekdays.end(), text.substr(0, 3)) == weekdays.end())
    return std::nullopt;
  text.remove_prefix(3);
  if (!take(", ")) return std::nullopt;
  const auto day = take_number(1, 2);
  if (!day || !take(" ") || text.size() < 4) return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(0, 3));
  if (month == months.end()) return std::nullopt;
  text.remove_prefix(3);
  if (!take(" ")) return std::nullopt;
  const auto year = take_number(4, 4);
  if (!year || !take(" ")) return std::nullopt;
  const auto hour = take_number(1, 2);
  if (!hour || !take(":")) return std::nullopt;
  const auto minute = take_number(1, 2);
  if (!minute || !take(":")) return std::nullopt;
  const auto second = take_number(1, 2);
  if (!second || !take(" ")) return std::nullopt;
  int offset = 0;
  if (text != "GMT" && text != "UTC" && text != "Z") {
    const int sign = text.starts_with('-') ? -1 : 1;
    if (!text.starts_with('-') && !text.starts_with('+')) return std::nullopt;
    text.remove_prefix(1);
    const auto hours = take_number(2, 2);
    if (!hours) return std::nullopt;
    take(":");
    const auto minutes = take_number(2, 2);
    if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
    offset = sign * (*hours * 60 + *minutes);
  }
  const std::chrono::year_month_day date(
      std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(month - months.begin() + 1)),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return Instant(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute - offset) + std::chrono::seconds(*second);
}

std::string to_rss_date(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(instant - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
                     weekdays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

Result<Appcast> parse_appcast(std::string_view bytes, const std::string& file) {
  const XmlElement root = TRY(parse_xml(bytes, file));
  Appcast out;
  out.signed_block = bytes.rfind(signature_prefix) != std::string_view::npos;
  // /rss/channel/item: whatever stands elsewhere is not seen.
  if (root.raw != "rss") return refuse(file, root.line, "this is no RSS feed");
  for (const XmlElement& channel : root.children) {
    if (channel.raw != "channel") continue;
    if (out.title.empty()) out.title = text_of(channel, "title");
    if (out.link.empty()) out.link = text_of(channel, "link");
    for (const XmlElement& one : channel.children) {
      if (one.raw != "item") continue;
      if (out.items.size() == max_appcast_items)
        return refuse(file, one.line, fmt::format("more than {} items", max_appcast_items));
      out.items.push_back(TRY(read_item(one, file)));
    }
  }
  return out;
}

std::string write_appcast(const Appcast& appcast) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:sparkle=\"{}\">\n  <channel>\n"
      "    <title>{}</title>\n",
      sparkle_namespace, escape_xml(appcast.title));
  if (!appcast.link.empty()) out += fmt::format("    <link>{}</link>\n", escape_xml(appcast.link));
  for (const AppcastItem& item : appcast.items) out += item_text(item);
  return out + "  </channel>\n</rss>\n";
}

}  // namespace tranche::channel
