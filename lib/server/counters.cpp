// The device table and the series.
//
// The problem: reports are lost, repeated, reordered and invented, and a gate decides on their sum. The idea:
// keep per device the little that makes a report idempotent (two boots with their last counters), turn each
// report into bounded increments, and add those to cells (version, arm, stratum) that never shrink. One mutex
// guards it all: a report holds it for well under a microsecond, the hashing is done outside.
#include "server/counters.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/text.hpp"
#include "cohort/static_arm.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"
#include "server/windows.hpp"

namespace tranche::server {

namespace {

using cohort::Arm;
using cohort::Placement;

constexpr std::uint32_t no_cell = ~std::uint32_t{0};
constexpr std::size_t most_windows = 11'000;
constexpr std::size_t most_signals_of_a_device = 16;
constexpr std::string_view other = "other";
constexpr std::array<std::string_view, 4> outcome_words{"updated", "kept", "failed", other};

struct Key {
  std::uint64_t high = 0, low = 0;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept { return key.low; }
};

struct Boot {
  std::uint64_t id = 0;  // 0: none
  std::uint32_t seq = 0, sessions = 0, crashes = 0;
};
struct Signal {
  std::uint16_t name = 0;
  std::uint8_t boot = 0;  // index into boots
  std::uint32_t value = 0, in_window = 0;
};
struct Device {
  std::array<Boot, 2> boots;
  std::array<std::uint32_t, 4> gone{};  // boots before those two: their reports are late for ever
  std::uint32_t cell = no_cell;
  std::uint32_t window = 0;
  std::uint32_t seen = 0;  // seconds since the server's start
  std::uint32_t sessions_in_window = 0;
  std::uint32_t crashes_until = 0;  // seconds since the server's start that its counted crashes have used up
  std::uint32_t stratum = 0;        // with arm and release: where it was placed at its last report
  std::uint16_t release = 0;
  Arm arm = Arm::none;
  bool placed = false, assigned = false;                    // assigned: counted for this placement
  std::uint8_t newest = 0, next_gone = 0, assignments = 0;  // assignments: for this release
  std::unique_ptr<std::vector<Signal>> signals;
};

// Names as small numbers, bounded.
class Names {
 public:
  explicit Names(std::size_t capacity) : capacity_(capacity) { add(other); }
  std::uint16_t find_or_add(std::string_view name) {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    if (names_.size() > capacity_) return 0;
    return add(name);
  }
  std::uint16_t must_add(std::string_view name) {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    if (names_.size() >= 4000) return 0;
    ++capacity_;
    return add(name);
  }
  [[nodiscard]] int find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? -1 : found->second;
  }
  [[nodiscard]] const std::string& at(std::size_t i) const { return names_[i]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  std::uint16_t add(std::string_view name) {
    names_.emplace_back(name);
    const auto number = static_cast<std::uint16_t>(names_.size() - 1);
    index_.emplace(names_.back(), number);
    return number;
  }
  std::size_t capacity_;
  std::vector<std::string> names_;
  std::map<std::string, std::uint16_t, std::less<>> index_;
};

struct Stream {
  std::string app, channel;
  Names versions;
  Names signals;
  std::array<std::uint64_t, outcome_words.size()> outcomes{};
  bool fed = false;  // a feed was seen
};

struct Cell {
  std::uint16_t stream = 0, version = 0;
  Arm arm = Arm::none;
  std::uint32_t stratum = 0;
  std::uint64_t devices = 0, sessions = 0, crashes = 0;
  std::map<std::uint16_t, std::uint64_t> signals;
};

// What a series of /v1/series counts.
constexpr std::uint8_t most_assignments = 16;  // of a device and release
constexpr std::uint16_t name_sessions = 0, name_crashes = 1, first_signal = 2;
struct SeriesId {
  std::uint16_t stream = 0, name = 0, release = 0;
  Arm arm = Arm::none;
  std::uint32_t stratum = 0;
};

std::uint64_t pack(std::uint64_t stream, std::uint64_t name, std::uint64_t version, Arm arm,
                   std::uint64_t stratum) {
  return stream << 48 | name << 36 | version << 24 | static_cast<std::uint64_t>(arm) << 22 | stratum;
}

std::uint32_t added(std::uint32_t now, std::uint32_t before, std::uint32_t bound, std::uint32_t& in_window,
                    std::uint64_t& dropped) {
  const std::uint32_t grown = now - before;
  const std::uint32_t counted = std::min(grown, bound - std::min(bound, in_window));
  in_window += counted;
  dropped += grown - counted;
  return counted;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  out += name;
  out += "=\"";
  append_escaped(out, value);
  out += '"';
}

std::unexpected<Error> backwards(const CheckIn& in, std::string_view what, std::uint64_t now,
                                 std::uint64_t before) {
  return fail_hint(ErrorKind::invalid, "counters are cumulative per boot: send a new 'boot' after a restart",
                   "'{}' of device '{}' went backwards within a boot, from {} to {}", what,
                   printable(in.device.id, 40), before, now);
}

}  // namespace

struct Counters::State {
  State(Instant at, std::string secret, Bounds b) : started(at), key(std::move(secret)), bounds(b) {}

  mutable std::mutex mutex;
  Instant started;
  std::string key;
  Bounds bounds;
  std::vector<Stream> streams;
  std::vector<Cell> cells;
  std::unordered_map<std::uint64_t, std::uint32_t> cell_index;
  std::vector<SeriesId> ids;
  std::unordered_map<std::uint64_t, std::uint32_t> id_index;
  Ring fine{std::chrono::milliseconds(100), 6'000 + 1};
  Ring coarse{std::chrono::seconds(1), 26 * 3600 + 1};
  std::unordered_map<Key, Device, KeyHash> devices;
  Instant horizon{};  // nothing is recorded before this: windows up to here may have been read
  Instant cleaned{};
  std::uint64_t counted = 0, duplicate = 0, late = 0, baseline = 0, refused = 0, full = 0;
  // By stream, release and stratum, arm none: since when it is on offer; Instant{}: nobody knows.
  std::map<std::uint64_t, Instant> offered;
  using Batch = std::map<std::uint32_t, std::uint64_t>;  // by id, whose name is that of sessions: devices
  std::map<Instant, Batch> batches;                      // by when they are shown
  Batch assigned;                                        // in batches that nobody asks for any more
  std::uint64_t clamped_sessions = 0, clamped_crashes = 0, clamped_signals = 0;

  std::uint16_t stream_of(std::string_view app, std::string_view channel) {
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (streams[i].app == app && streams[i].channel == channel) return static_cast<std::uint16_t>(i);
    streams.push_back({std::string(app),
                       std::string(channel),
                       Names(bounds.max_versions),
                       Names(bounds.max_signals),
                       {},
                       false});
    return static_cast<std::uint16_t>(streams.size() - 1);
  }

  std::uint32_t cell_of(std::uint16_t stream, std::uint16_t version, const Placement& placement) {
    const std::uint64_t packed = pack(stream, 0, version, placement.arm, placement.stratum);
    const auto [found, fresh] = cell_index.try_emplace(packed, static_cast<std::uint32_t>(cells.size()));
    if (fresh) {
      Cell& cell = cells.emplace_back();
      cell.stream = stream;
      cell.version = version;
      cell.arm = placement.arm;
      cell.stratum = placement.stratum;
    }
    return found->second;
  }

  std::uint32_t id_of(std::uint16_t stream, std::uint16_t name, std::uint16_t release,
                      const Placement& placement) {
    const std::uint64_t packed = pack(stream, name, release, placement.arm, placement.stratum);
    const auto [found, fresh] = id_index.try_emplace(packed, static_cast<std::uint32_t>(ids.size()));
    if (fresh) ids.push_back({stream, name, release, placement.arm, placement.stratum});
    return found->second;
  }

  void record(Instant at, std::uint16_t stream, std::uint16_t name, std::uint16_t release,
              const Placement& placement, std::uint32_t count) {
    if (count == 0 || placement.arm == Arm::none) return;
    const std::uint32_t id = id_of(stream, name, release, placement);
    fine.add(at, id, count);
    coarse.add(at, id, count);
  }

  // Each crash uses up crash_every, and a device is never more than `crashes` of them ahead of the clock.
  std::uint32_t added_crashes(Device& device, std::uint32_t grown) {
    const auto cost = static_cast<std::uint64_t>(
        std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(bounds.crash_every).count()));
    const std::uint64_t used = std::max<std::uint64_t>(device.crashes_until, device.seen);
    const std::uint64_t most = device.seen + bounds.crashes * cost;
    const auto counted_now =
        static_cast<std::uint32_t>(used >= most ? 0 : std::min<std::uint64_t>(grown, (most - used) / cost));
    device.crashes_until = static_cast<std::uint32_t>(used + counted_now * cost);
    clamped_crashes += grown - counted_now;
    return counted_now;
  }

  // The device has just said something about its time in `then`.
  void assign(Device& device, std::uint16_t stream, std::uint16_t release, const Placement& then,
              Instant now) {
    if (device.assigned || device.assignments >= most_assignments || !then.randomised()) return;
    const auto since = offered.find(pack(stream, 0, release, Arm::none, then.stratum));
    if (since == offered.end() || since->second == Instant{} || now < since->second) return;
    device.assigned = true;
    ++device.assignments;
    const Instant shown = since->second + bounds.settle * ((now - since->second) / bounds.settle + 1);
    ++batches[shown][id_of(stream, name_sessions, release, then)];
    while (batches.begin()->first < now - coarse.memory()) {
      for (const auto& [id, count] : batches.begin()->second) assigned[id] += count;
      batches.erase(batches.begin());
    }
  }

  Key hash(const CheckIn& in) const {
    std::string text;
    text.reserve(key.size() + in.app.size() + in.channel.size() + in.device.id.size() + 3);
    text.append(key).append(in.app).append(1, '\0').append(in.channel).append(1, '\0').append(in.device.id);
    const crypto::Sha256Digest digest = crypto::sha256(text);
    Key result;
    std::memcpy(&result.high, digest.data(), 8);
    std::memcpy(&result.low, digest.data() + 8, 8);
    return result;
  }

  // Makes room by forgetting devices that were silent for long; at most every ten minutes, for it walks the
  // whole table.
  bool make_room(Instant now) {
    if (devices.size() < bounds.max_devices) return true;
    if (now - cleaned < std::chrono::minutes(10)) return false;
    cleaned = now;
    const auto oldest = std::chrono::floor<std::chrono::seconds>(now - bounds.forget_after - started).count();
    for (auto it = devices.begin(); it != devices.end();) {
      if (it->second.seen >= oldest) {
        ++it;
        continue;
      }
      if (it->second.cell != no_cell) --cells[it->second.cell].devices;
      it = devices.erase(it);
    }
    return devices.size() < bounds.max_devices;
  }

  Result<Counted> apply(Device& device, const CheckIn& in, std::uint64_t boot_id, std::uint16_t stream,
                        const Placement& placement, std::uint16_t release, Instant now);
  Signal* signal_of(Device& device, std::uint16_t name, std::uint8_t boot, bool make);
};

Signal* Counters::State::signal_of(Device& device, std::uint16_t name, std::uint8_t boot, bool make) {
  if (!device.signals) {
    if (!make) return nullptr;
    device.signals = std::make_unique<std::vector<Signal>>();
  }
  for (Signal& signal : *device.signals)
    if (signal.name == name && signal.boot == boot) return &signal;
  if (!make || device.signals->size() >= 2 * most_signals_of_a_device) return nullptr;
  return &device.signals->emplace_back(Signal{name, boot, 0, 0});
}

Result<Counted> Counters::State::apply(Device& device, const CheckIn& in, std::uint64_t boot_id,
                                       std::uint16_t stream, const Placement& placement,
                                       std::uint16_t release, Instant now) {
  Stream& names = streams[stream];
  std::uint8_t slot = 0;
  while (slot < device.boots.size() && device.boots[slot].id != boot_id) ++slot;
  const bool known = slot < device.boots.size();
  if (known && in.seq <= device.boots[slot].seq) {
    ++duplicate;
    return Counted::duplicate;
  }
  if (!known) {
    const auto short_id = static_cast<std::uint32_t>(boot_id | 1);
    if (std::find(device.gone.begin(), device.gone.end(), short_id) != device.gone.end()) {
      ++late;
      return Counted::late;
    }
    slot = device.newest ^ 1;
    Boot& boot = device.boots[slot];
    if (boot.id != 0) {
      device.gone[device.next_gone] = static_cast<std::uint32_t>(boot.id | 1);
      device.next_gone = static_cast<std::uint8_t>((device.next_gone + 1) % device.gone.size());
    }
    boot = {boot_id, 0, 0, 0};
    device.newest = slot;
    if (device.signals) std::erase_if(*device.signals, [&](const Signal& s) { return s.boot == slot; });
  }
  Boot& boot = device.boots[slot];
  if (in.sessions < boot.sessions) return backwards(in, "sessions", in.sessions, boot.sessions);
  if (in.crashes < boot.crashes) return backwards(in, "crashes", in.crashes, boot.crashes);
  for (const auto& [name, value] : in.signals)
    if (const int number = names.signals.find(name); number > 0)
      if (const Signal* signal = signal_of(device, static_cast<std::uint16_t>(number), slot, false);
          signal != nullptr && value < signal->value)
        return backwards(in, name, value, signal->value);

  if (slot == device.newest) {
    const std::uint32_t cell = cell_of(stream, names.versions.find_or_add(in.version), placement);
    if (cell != device.cell) {
      if (device.cell != no_cell) --cells[device.cell].devices;
      ++cells[cell].devices;
      device.cell = cell;
    }
  }
  const bool counts = known || in.seq == 1;
  const auto window = static_cast<std::uint32_t>(now.time_since_epoch() / bounds.window);
  if (window != device.window) {
    device.window = window;
    device.sessions_in_window = 0;
    if (device.signals)
      for (Signal& signal : *device.signals) signal.in_window = 0;
  }
  device.seen = static_cast<std::uint32_t>(
      std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(now - started).count()));
  std::uint32_t sessions = 0, crashes = 0;
  // What is reported now happened since the last report, so it counts where the device was placed then: a
  // device that has just been reached by a rollout has not run the release yet.
  const Placement then = device.placed ? Placement{device.arm, device.stratum} : placement;
  const std::uint16_t then_release = device.placed ? device.release : release;
  if (counts && device.placed && then.arm != Arm::none) assign(device, stream, then_release, then, now);
  if (device.release != release) device.assignments = 0;
  if (device.release != release || device.arm != placement.arm || device.stratum != placement.stratum)
    device.assigned = false;
  device.placed = true;
  device.arm = placement.arm;
  device.stratum = placement.stratum;
  device.release = release;
  const std::uint32_t at = cell_of(stream, names.versions.find_or_add(in.version), then);
  if (counts) {
    sessions =
        added(in.sessions, boot.sessions, bounds.sessions, device.sessions_in_window, clamped_sessions);
    crashes = added_crashes(device, in.crashes - boot.crashes);
    cells[at].sessions += sessions;
    cells[at].crashes += crashes;
    record(now, stream, name_sessions, then_release, then, sessions);
    record(now, stream, name_crashes, then_release, then, crashes);
  }
  boot.seq = in.seq;
  boot.sessions = in.sessions;
  boot.crashes = in.crashes;
  for (const auto& [name, value] : in.signals) {
    // Names beyond the bound share one counter that cannot be told apart per device: they are passed over.
    const std::uint16_t number = names.signals.find_or_add(name);
    if (number == 0) continue;
    Signal* signal = signal_of(device, number, slot, true);
    if (signal == nullptr) continue;
    if (counts) {
      const std::uint32_t count =
          added(value, signal->value, bounds.signal, signal->in_window, clamped_signals);
      cells[at].signals[number] += count;
      record(now, stream, static_cast<std::uint16_t>(first_signal + number), then_release, then, count);
    }
    signal->value = value;
  }
  if (!in.outcome.empty() && counts) {
    std::size_t word = 0;
    while (word + 1 < outcome_words.size() && outcome_words[word] != in.outcome) ++word;
    ++names.outcomes[word];
  }
  ++(counts ? counted : baseline);
  return counts ? Counted::counted : Counted::baseline;
}

Counters::Counters(Instant started, std::string key, Bounds bounds)
    : state_(std::make_unique<State>(started, std::move(key), bounds)) {}
Counters::~Counters() = default;

void Counters::see_feed(std::string_view app, std::string_view channel, const cohort::Directions& directions,
                        Instant now) {
  const std::lock_guard lock(state_->mutex);
  State& s = *state_;
  const std::uint16_t stream = s.stream_of(app, channel);
  Names& versions = s.streams[stream].versions;
  std::vector<std::uint16_t> known;
  if (!directions.baseline.empty()) known.push_back(versions.must_add(directions.baseline));
  for (const cohort::Withdrawn& withdrawn : directions.withdrawn) versions.must_add(withdrawn.version);
  const Instant begins = s.streams[stream].fed ? now : Instant{};
  s.streams[stream].fed = true;
  std::map<std::uint64_t, Instant> before;  // what is on offer no longer begins anew when it comes back
  for (auto it = s.offered.begin(); it != s.offered.end();) {
    if (it->first >> 48 != stream) {
      ++it;
      continue;
    }
    before.insert(*it);
    it = s.offered.erase(it);
  }
  if (!directions.offer) return;
  const cohort::Offer& offer = *directions.offer;
  const std::uint16_t release = versions.must_add(offer.release);
  known.push_back(release);
  // Every stratum there can be: what a device that only this rule reaches has as its chance, and 0.
  std::set<std::uint32_t> strata{0};
  for (cohort::Rule rule : offer.rules) {
    rule.labels.clear();
    rule.devices.clear();
    cohort::Directions alone;
    alone.offer = cohort::Offer{offer.release, offer.salt, {rule}};
    strata.insert(cohort::place(alone, {"any", {}}).stratum);
  }
  for (const std::uint32_t stratum : strata) {
    const std::uint64_t key = pack(stream, 0, release, Arm::none, stratum);
    const auto known_since = before.find(key);
    s.offered[key] = known_since == before.end() ? begins : known_since->second;
  }
  for (const std::uint32_t stratum : strata)
    for (const Arm arm : {Arm::canary, Arm::control}) {
      if ((stratum == 0 && arm == Arm::canary) || (stratum == Percent::whole && arm == Arm::control))
        continue;
      const Placement placement{arm, stratum};
      for (const std::uint16_t version : known) (void)s.cell_of(stream, version, placement);
      (void)s.id_of(stream, name_sessions, release, placement);
      (void)s.id_of(stream, name_crashes, release, placement);
    }
}

Result<Counted> Counters::report(const CheckIn& in, const cohort::Directions& directions, Instant now) {
  const Key key = state_->hash(in);
  const Placement placement = cohort::place(directions, in.device, in.feed);
  std::uint64_t boot_id = std::hash<std::string_view>{}(in.boot);
  if (boot_id == 0) boot_id = 1;
  const std::lock_guard lock(state_->mutex);
  State& s = *state_;
  // A clock that once jumped far ahead must not hold the present up.
  if (s.horizon > now + std::chrono::seconds(10)) s.horizon = now;
  now = std::max(now, s.horizon);
  const std::uint16_t stream = s.stream_of(in.app, in.channel);
  const std::uint16_t release =
      directions.offer ? s.streams[stream].versions.must_add(directions.offer->release) : std::uint16_t{0};
  auto found = s.devices.find(key);
  if (found == s.devices.end()) {
    if (!s.make_room(now)) {
      ++s.full;
      return fail_hint(ErrorKind::failed, "run another `tranche serve`, or raise --max-devices",
                       "this server already counts {} devices", s.devices.size());
    }
    found = s.devices.try_emplace(key).first;
  }
  auto result = s.apply(found->second, in, boot_id, stream, placement, release, now);
  if (!result) ++s.refused;
  return result;
}

void Counters::count_refused() {
  const std::lock_guard lock(state_->mutex);
  ++state_->refused;
}

std::string Counters::exposition(Instant now) const {
  const std::lock_guard lock(state_->mutex);
  const State& s = *state_;
  std::string out;
  out.reserve(4096 + s.cells.size() * 400);
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    out.append("# HELP ").append(name).append(" ").append(help);
    out.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  };
  const auto line = [&](std::string_view name, const Cell& cell, std::string_view signal,
                        std::uint64_t value) {
    const Stream& stream = s.streams[cell.stream];
    out.append(name).append("{");
    append_label(out, "app", stream.app);
    append_label(out, "channel", stream.channel);
    append_label(out, "version", stream.versions.at(cell.version));
    append_label(out, "arm", to_text(cell.arm));
    append_label(out, "stratum", fmt::format("{}", cell.stratum));
    if (!signal.empty()) append_label(out, "signal", signal);
    out += fmt::format("}} {}\n", value);
  };
  head("tranche_sessions_total", "counter",
       "Sessions that devices reported, by the arm the server computed.");
  for (const Cell& cell : s.cells) line("tranche_sessions_total", cell, {}, cell.sessions);
  head("tranche_crashes_total", "counter", "Crashed sessions that devices reported.");
  for (const Cell& cell : s.cells) line("tranche_crashes_total", cell, {}, cell.crashes);
  head("tranche_signals_total", "counter", "Signals that devices reported, by name.");
  for (const Cell& cell : s.cells)
    for (const auto& [signal, value] : cell.signals)
      line("tranche_signals_total", cell, s.streams[cell.stream].signals.at(signal), value);
  head("tranche_devices", "gauge", "Devices as of their last check-in.");
  for (const Cell& cell : s.cells) line("tranche_devices", cell, {}, cell.devices);
  head("tranche_assigned_devices_total", "counter",
       "Devices that were heard from in their arm of a release, each once: what a sample-ratio test counts.");
  State::Batch assigned = s.assigned;
  for (const auto& [shown, batch] : s.batches)
    for (const auto& [id, devices] : batch) assigned[id] += shown <= now ? devices : 0;
  for (std::uint32_t id = 0; id < s.ids.size(); ++id) {
    const SeriesId& series = s.ids[id];
    const Stream& stream = s.streams[series.stream];
    if (series.name != name_sessions || !(Placement{series.arm, series.stratum}).randomised()) continue;
    const auto found = assigned.find(id);
    out += "tranche_assigned_devices_total{";
    append_label(out, "app", stream.app);
    append_label(out, "channel", stream.channel);
    append_label(out, "release", stream.versions.at(series.release));
    append_label(out, "arm", to_text(series.arm));
    append_label(out, "stratum", fmt::format("{}", series.stratum));
    out += fmt::format("}} {}\n", found == assigned.end() ? 0 : found->second);
  }
  head("tranche_outcomes_total", "counter", "What devices said came of an update.");
  for (const Stream& stream : s.streams)
    for (std::size_t i = 0; i < outcome_words.size(); ++i) {
      out += "tranche_outcomes_total{";
      append_label(out, "app", stream.app);
      append_label(out, "channel", stream.channel);
      append_label(out, "outcome", outcome_words[i]);
      out += fmt::format("}} {}\n", stream.outcomes[i]);
    }
  head("tranche_checkins_total", "counter", "Check-ins by what became of them.");
  const std::array<std::pair<std::string_view, std::uint64_t>, 6> results{{{"counted", s.counted},
                                                                           {"duplicate", s.duplicate},
                                                                           {"late", s.late},
                                                                           {"baseline", s.baseline},
                                                                           {"refused", s.refused},
                                                                           {"full", s.full}}};
  for (const auto& [result, value] : results)
    out += fmt::format("tranche_checkins_total{{result=\"{}\"}} {}\n", result, value);
  head("tranche_clamped_total", "counter",
       "Counts dropped because one device reported too many in a window.");
  out += fmt::format("tranche_clamped_total{{counter=\"sessions\"}} {}\n", s.clamped_sessions);
  out += fmt::format("tranche_clamped_total{{counter=\"crashes\"}} {}\n", s.clamped_crashes);
  out += fmt::format("tranche_clamped_total{{counter=\"signals\"}} {}\n", s.clamped_signals);
  return out;
}

std::vector<Row> Counters::rows() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Row> rows;
  for (const Cell& cell : state_->cells) {
    const Stream& stream = state_->streams[cell.stream];
    rows.push_back({stream.app, stream.channel, stream.versions.at(cell.version), cell.arm, cell.stratum,
                    cell.devices, cell.sessions, cell.crashes});
  }
  return rows;
}

Result<std::string> Counters::series(const SeriesQuery& query, Instant now) {
  using std::chrono::milliseconds;
  const std::lock_guard lock(state_->mutex);
  State& s = *state_;
  int stream = -1;
  for (std::size_t i = 0; i < s.streams.size(); ++i)
    if (s.streams[i].app == query.app && s.streams[i].channel == query.channel) stream = static_cast<int>(i);
  if (stream < 0)
    return fail_hint(ErrorKind::invalid, "ask for an app and a channel of this server",
                     "no channel '{}' of app '{}' here", printable(query.channel, 40),
                     printable(query.app, 40));
  int name = -1;
  if (query.name == "sessions") name = name_sessions;
  if (query.name == "crashes") name = name_crashes;
  if (query.name.starts_with("signal:")) {
    const int number = s.streams[static_cast<std::size_t>(stream)].signals.find(query.name.substr(7));
    name = number > 0 ? first_signal + number : first_signal;  // a signal nobody reported yet has zeros
  }
  if (name < 0)
    return fail_hint(ErrorKind::invalid, "ask for sessions, crashes or signal:NAME", "no counter '{}'",
                     printable(query.name, 40));
  if (query.step < milliseconds(100) || query.step > std::chrono::hours(24) || query.step.count() % 100 != 0)
    return fail_hint(ErrorKind::invalid, "use 1s, or 100ms for the last 10 minutes",
                     "a step of {} is no multiple of 100 ms up to 24 h", to_text(query.step));
  const Ring& ring = query.step.count() % 1000 == 0 ? s.coarse : s.fine;

  // The strata and arms there are, as columns; zeros are said, not left out.
  std::map<std::uint32_t, std::array<std::uint64_t, 2>> zeros;
  const int release =
      query.release.empty() ? -1 : s.streams[static_cast<std::size_t>(stream)].versions.find(query.release);
  const auto wanted = [&](const SeriesId& id) {
    return id.stream == stream && id.arm != Arm::none &&
           (query.release.empty() || static_cast<int>(id.release) == release);
  };
  for (const SeriesId& id : s.ids)
    if (wanted(id)) zeros.try_emplace(id.stratum);

  const Duration step = query.step;
  const Instant until = std::min(query.until, now);
  s.horizon = std::max(s.horizon, until);
  const Instant earliest = std::max(s.started, now - ring.memory());
  Instant end(step * (query.after.time_since_epoch() / step) + step);
  if (end - step < earliest) {  // straight to the first window that is whole
    const Duration past = earliest.time_since_epoch() + step - milliseconds(1);
    end = std::max(end, Instant(step * (past / step) + step));
  }
  std::string out = doc::to_json(doc::Value::object({{"schema", "tranche/series/v1"},
                                                     {"app", query.app},
                                                     {"channel", query.channel},
                                                     {"name", query.name},
                                                     {"step-ms", static_cast<std::int64_t>(step.count())},
                                                     {"since", to_text(s.started)}}));
  out.pop_back();
  out += ",\"windows\":[";
  std::size_t count = 0;
  for (; end <= until && count < most_windows; end += step, ++count) {
    auto sums = zeros;
    ring.visit(end - step, end, [&](std::uint32_t series, std::uint32_t added_count) {
      const SeriesId& id = s.ids[series];
      if (id.name == name && wanted(id)) sums[id.stratum][id.arm == Arm::canary ? 0 : 1] += added_count;
    });
    if (count > 0) out += ',';
    decltype(zeros) assigned;
    for (auto batch = s.batches.lower_bound(end - step); batch != s.batches.end() && batch->first < end;
         ++batch)
      for (const auto& [id, devices] : batch->second)
        if (const SeriesId& of = s.ids[id]; wanted(of))
          assigned[of.stratum][of.arm == Arm::canary ? 0 : 1] += devices;
    const auto append_counts = [&](const decltype(zeros)& counts) {
      bool first = true;
      for (const auto& [stratum, arms] : counts) {
        out += fmt::format("{}\"{}\":{{\"canary\":{},\"control\":{}}}", first ? "" : ",", stratum, arms[0],
                           arms[1]);
        first = false;
      }
    };
    out.append("{\"end\":\"").append(to_text(end)).append("\",\"counts\":{");
    append_counts(sums);
    if (!assigned.empty()) {
      out += "},\"assigned\":{";
      append_counts(assigned);
    }
    out += "}}";
  }
  out += "]}\n";
  return out;
}

}  // namespace tranche::server
