// The state of a channel as a document of the journal, and back.
#include <algorithm>

#include "actions/deck.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

using LabelMap = std::map<std::string, std::vector<std::string>>;

doc::Value labels_value(const LabelMap& labels) {
  doc::Value out = doc::Value::object();
  for (const auto& [name, values] : labels) {
    doc::Value list = doc::Value::array();
    for (const std::string& value : values) list.push(value);
    out.set(name, list);
  }
  return out;
}

Result<std::vector<std::string>> texts(const doc::Value& list) {
  std::vector<std::string> out;
  for (const doc::Value& item : list.as_array()) {
    if (!item.is_string())
      return fail(ErrorKind::verification, "the journal holds a list that is not of strings");
    out.push_back(item.as_string());
  }
  return out;
}

Result<LabelMap> labels_from(const doc::Value& value) {
  LabelMap labels;
  for (const doc::Member& member : TRY(value.object_at("labels"))->as_object()) {
    if (!member.value.is_array())
      return fail(ErrorKind::verification, "the journal holds labels that are no lists");
    labels[member.key] = TRY(texts(member.value));
  }
  return labels;
}

doc::Value rule_value(const cohort::Rule& rule) {
  doc::Value devices = doc::Value::array();
  for (const std::string& hash : rule.devices) devices.push(hash);
  doc::Value out = doc::Value::object({{"labels", labels_value(rule.labels)}, {"devices", devices}});
  if (rule.below) out.set("below", std::to_string(*rule.below));
  if (rule.all) out.set("all", true);
  if (!rule.feed_channel.empty()) out.set("feed-channel", rule.feed_channel);
  return out;
}

Result<cohort::Rule> rule_from(const doc::Value& value) {
  cohort::Rule rule;
  rule.labels = TRY(labels_from(value));
  rule.devices = TRY(texts(*TRY(value.array_at("devices"))));
  if (const doc::Value* below = value.find("below")) {
    const auto number = below->is_string() ? parse_u64(below->as_string()) : std::nullopt;
    if (!number)
      return fail(ErrorKind::verification, "the journal holds a rule whose threshold is no number");
    rule.below = number;
  }
  rule.all = value.find("all") != nullptr;
  rule.feed_channel = TRY(value.text_or("feed-channel", ""));
  if (rule.all == rule.below.has_value())
    return fail(ErrorKind::verification, "the journal holds a rule without a share");
  return rule;
}

}  // namespace

doc::Value to_value(const cohort::Directions& directions) {
  doc::Value out = doc::Value::object({{"baseline", directions.baseline}});
  if (directions.offer) {
    doc::Value rules = doc::Value::array();
    for (const cohort::Rule& rule : directions.offer->rules) rules.push(rule_value(rule));
    out.set("offer", doc::Value::object({{"release", directions.offer->release},
                                         {"salt", directions.offer->salt},
                                         {"rules", rules}}));
  }
  doc::Value withdrawn = doc::Value::array();
  for (const cohort::Withdrawn& w : directions.withdrawn)
    withdrawn.push(doc::Value::object({{"version", w.version}, {"fallback", w.fallback}}));
  doc::Value holds = doc::Value::array();
  for (const cohort::Hold& hold : directions.holds) {
    holds.push(
        doc::Value::object({{"labels", labels_value(hold.labels)}, {"max-version", hold.max_version}}));
    if (!hold.feed_channel.empty()) holds.as_array().back().set("feed-channel", hold.feed_channel);
  }
  out.set("withdrawn", withdrawn);
  out.set("holds", holds);
  return out;
}

Result<cohort::Directions> directions_from_value(const doc::Value& value) {
  cohort::Directions directions;
  directions.baseline = TRY(value.text("baseline"));
  if (const doc::Value* offer = value.find("offer")) {
    cohort::Offer read;
    read.release = TRY(offer->text("release"));
    read.salt = TRY(offer->text("salt"));
    for (const doc::Value& rule : TRY(offer->array_at("rules"))->as_array())
      read.rules.push_back(TRY(rule_from(rule)));
    directions.offer = std::move(read);
  }
  for (const doc::Value& item : TRY(value.array_at("withdrawn"))->as_array()) {
    cohort::Withdrawn withdrawn;
    withdrawn.version = TRY(item.text("version"));
    withdrawn.fallback = TRY(item.text("fallback"));
    directions.withdrawn.push_back(std::move(withdrawn));
  }
  for (const doc::Value& item : TRY(value.array_at("holds"))->as_array()) {
    cohort::Hold hold;
    hold.labels = TRY(labels_from(item));
    hold.max_version = TRY(item.text("max-version"));
    hold.feed_channel = TRY(item.text_or("feed-channel", ""));
    directions.holds.push_back(std::move(hold));
  }
  return directions;
}

doc::Value to_value(const ChannelState& state) {
  doc::Value releases = doc::Value::array();
  for (const channel::ReleaseRef& ref : state.releases)
    releases.push(doc::Value::object(
        {{"version", ref.version}, {"sha256", ref.manifest_sha256}, {"path", ref.manifest_path}}));
  doc::Value out = doc::Value::object({{"schema", "tranche/channel-state/v1"},
                                       {"directions", to_value(state.directions)},
                                       {"releases", releases},
                                       {"plan", state.plan},
                                       {"effect", state.effect},
                                       {"expires", tranche::to_text(state.expires)}});
  if (!state.feed_channels.empty())
    out.set("feed-channels", doc::Array(state.feed_channels.begin(), state.feed_channels.end()));
  if (state.after) out.set("after", *state.after);
  if (!state.stops.empty()) out.set("stops", doc::Array(state.stops.begin(), state.stops.end()));
  return out;
}

Result<ChannelState> channel_from_entry(const journal::Entry& entry) {
  ChannelState state;
  state.directions = TRY(directions_from_value(*TRY(entry.state.object_at("directions"))));
  for (const doc::Value& item : TRY(entry.state.array_at("releases"))->as_array()) {
    channel::ReleaseRef ref;
    ref.version = TRY(item.text("version"));
    ref.manifest_sha256 = TRY(item.text("sha256"));
    ref.manifest_path = TRY(item.text("path"));
    state.releases.push_back(std::move(ref));
  }
  if (entry.state.find("feed-channels") != nullptr)
    state.feed_channels = TRY(texts(*TRY(entry.state.array_at("feed-channels"))));
  state.plan = TRY(entry.state.text("plan"));
  state.effect = TRY(entry.state.text("effect"));
  state.expires = TRY(parse_duration(TRY(entry.state.text("expires"))));
  state.sequence = entry.index;
  if (entry.state.find("after") != nullptr) {
    const std::int64_t after = TRY(entry.state.integer("after"));
    if (after < 0) return fail(ErrorKind::verification, "the journal holds a negative sequence");
    state.after = static_cast<std::uint64_t>(after);
    state.sequence = std::max(entry.index, *state.after + 1);
  }
  if (entry.state.find("stops") != nullptr) state.stops = TRY(texts(*TRY(entry.state.array_at("stops"))));
  state.issued = entry.at;
  return state;
}

}  // namespace tranche::actions
