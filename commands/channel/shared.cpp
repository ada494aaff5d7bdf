#include "commands/channel/shared.hpp"

#include "base/text.hpp"
#include "channel/line_diff.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

std::string colored(const std::string& diff, bool color) {
  if (!color) return diff;
  std::string out;
  for (const std::string_view line : split(diff, '\n')) {
    if (line.empty()) continue;
    out += line.starts_with('+')   ? styled(line, Style::green, true)
           : line.starts_with('-') ? styled(line, Style::red, true)
                                   : styled(line, Style::dim, line.starts_with('@'));
    out += "\n";
  }
  return out;
}

std::string headline(const channel::Change& change) {
  const std::string name = fmt::format("{}: {}", change.feed, printable(change.name, 160));
  if (change.foreign) return name + "  (another tool wrote it: left as it is)";
  return change.absent ? name + "  (new)" : name;
}

}  // namespace

Result<const spec::Channel*> find_channel(const spec::App& app, const std::string& name) {
  if (const spec::Channel* channel = app.channel(name)) return channel;
  std::vector<std::string> names;
  for (const spec::Channel& channel : app.channels) names.push_back(channel.name);
  const std::string near = nearest(name, names);
  return fail_hint(ErrorKind::invalid,
                   near.empty() ? "channels: " + join(names, ", ") : "did you mean '" + near + "'?",
                   "app '{}' has no channel '{}'", app.name, printable(name, 64));
}

doc::Value changes_json(const channel::ChannelReport& report) {
  doc::Value changes = doc::Value::array();
  for (const channel::Change& change : report.changes) {
    doc::Value one = doc::Value::object({{"feed", change.feed},
                                         {"name", change.name},
                                         {"foreign", change.foreign},
                                         {"after-sha256", crypto::to_hex(crypto::sha256(change.after))},
                                         {"diff", channel::line_diff(change.before, change.after)}});
    if (!change.absent) one.set("before-sha256", crypto::to_hex(crypto::sha256(change.before)));
    changes.push(std::move(one));
  }
  return changes;
}

std::string changes_text(const channel::ChannelReport& report, bool color) {
  std::string out;
  for (const channel::Change& change : report.changes)
    out += styled(headline(change), Style::bold, color) + "\n" +
           colored(channel::line_diff(change.before, change.after), color);
  return out;
}

}  // namespace tranche::commands
