#include "fleet/http_load.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "fleet/client.hpp"
#include "fleet/wire.hpp"

namespace tranche::fleet {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t most_in_batch = 100;   // reports of one check-in
constexpr std::size_t most_versions = 64;    // of a run: one bit each in Device::ever
constexpr std::size_t most_timeline = 2000;  // points; beyond, every other one goes

// Versions as small numbers, shared by the lanes.
class Versions {
 public:
  std::uint8_t number_of(const std::string& version) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == version) return static_cast<std::uint8_t>(i);
    if (names_.size() + 1 >= most_versions) return static_cast<std::uint8_t>(names_.size() - 1);
    names_.push_back(version);
    return static_cast<std::uint8_t>(names_.size() - 1);
  }
  std::string name(std::uint8_t number) {
    const std::lock_guard lock(mutex_);
    return names_[number];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return names_.size();
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> names_;
};

struct Device {
  cohort::Device who;
  Random random{0};
  Duration interval{};
  Steady::time_point next;
  DeviceMemory memory;
  const channel::Feed* decided = nullptr;  // the feed that its last decision came from
  std::uint64_t ever = 0;                  // versions it has run, one bit each
  std::uint32_t boot = 0, seq = 0, sessions = 0, crashes = 0;
  std::uint8_t version = 0;
  bool updated = false, stranded = false;
};

struct Totals {
  std::vector<std::uint64_t> by_version, ever;
  std::map<std::string, std::uint64_t> failures;
  std::uint64_t polls = 0, checkins = 0, refused = 0, updates = 0, stranded = 0;
  std::string example;
  int example_versions = 0;
};

struct Shared {
  ports::World& world;
  const LoadOptions& options;
  Address address;
  Site site;
  Versions versions;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake;
};

class Lane {
  // Orders the heap so that the device that is due first is in front.
  auto later() const {
    return [this](std::uint32_t a, std::uint32_t b) { return devices_[a].next > devices_[b].next; };
  }

 public:
  Lane(Shared& shared, std::size_t first, std::size_t step) : shared_(shared), wire_(shared.address) {
    const Model& model = shared.options.model;
    const std::uint8_t start = shared.versions.number_of(model.start_version);
    const auto now = Steady::now();
    for (std::size_t i = first; i < model.devices; i += step) {
      Device& device = devices_.emplace_back();
      device.who = make_device(model, i);
      device.random = device_random(model, i);
      device.interval = poll_interval(model, i);
      device.boot = static_cast<std::uint32_t>(device.random.next());
      device.version = start;
      device.ever = std::uint64_t{1} << start;
      // Spread over the first interval: a fleet does not start in step.
      device.next = now + Duration(static_cast<std::int64_t>(device.random.uniform() *
                                                             static_cast<double>(device.interval.count())));
      order_.push_back(static_cast<std::uint32_t>(devices_.size() - 1));
    }
    std::make_heap(order_.begin(), order_.end(), later());
    feed_path_ = "/" + percent_encode(shared.options.channel) + "/" + std::string(channel::feed_name);
    if (!order_.empty()) thread_ = std::thread([this] { run(); });
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // Adds what this lane has seen.
  void add_to(Totals& totals) {
    const std::lock_guard lock(mutex_);
    for (const Device& device : devices_) {
      ++totals.by_version[device.version];
      for (std::size_t v = 0; v < totals.ever.size(); ++v)
        if ((device.ever >> v & 1) != 0) ++totals.ever[v];
      totals.stranded += device.stranded ? 1 : 0;
      if (const int count = std::popcount(device.ever); count > totals.example_versions) {
        totals.example = device.who.id;
        totals.example_versions = count;
      }
    }
    for (const auto& [word, count] : failures_) totals.failures[word] += count;
    totals.polls += polls_;
    totals.checkins += checkins_;
    totals.refused += refused_;
    totals.updates += updates_;
  }

 private:
  void run() {
    while (!shared_.stopping) {
      const auto now = Steady::now();
      due_.clear();
      // Devices due within the next few milliseconds come along: fewer, larger batches.
      const auto horizon = now + std::chrono::milliseconds(20);
      while (!order_.empty() && due_.size() < most_in_batch && devices_[order_.front()].next <= horizon) {
        std::pop_heap(order_.begin(), order_.end(), later());
        due_.push_back(order_.back());
        order_.pop_back();
      }
      if (due_.empty()) {
        std::unique_lock lock(shared_.mutex);
        shared_.wake.wait_until(lock, devices_[order_.front()].next,
                                [this] { return shared_.stopping.load(); });
        continue;
      }
      poll();
      for (const std::uint32_t index : due_) {
        Device& device = devices_[index];
        const double spread = 1 + shared_.options.model.jitter * (2 * device.random.uniform() - 1);
        device.next =
            std::max(device.next, now - device.interval) +
            Duration(static_cast<std::int64_t>(static_cast<double>(device.interval.count()) * spread));
        order_.push_back(index);
        std::push_heap(order_.begin(), order_.end(), later());
      }
    }
  }

  void poll() {
    const Instant wall = shared_.world.clock.now();
    {
      const std::lock_guard lock(mutex_);
      for (const std::uint32_t index : due_) live(devices_[index]);
    }
    write_checkin(wall);
    wire_.post("/v1/checkin", body_);
    for (const std::uint32_t index : due_) wire_.get(feed_path_, etag_of(devices_[index]));
    auto answers = wire_.exchange();
    if (!answers) {
      const std::lock_guard lock(mutex_);
      failures_["connection"] += due_.size();
      return;
    }
    take_checkin(answers->front());
    for (std::size_t i = 0; i < due_.size(); ++i) take_feed(devices_[due_[i]], (*answers)[i + 1], wall);
  }

  // One interval of a device's life: sessions, some of which crash.
  void live(Device& device) {
    const Model& model = shared_.options.model;
    const std::uint64_t sessions = device.random.poisson(model.sessions);
    device.sessions += static_cast<std::uint32_t>(sessions);
    device.crashes += static_cast<std::uint32_t>(device.random.binomial(sessions, rate(device.version)));
    ++device.seq;
  }

  double rate(std::uint8_t version) {
    while (rates_.size() <= version)
      rates_.push_back(
          shared_.options.model.rate_of(shared_.versions.name(static_cast<std::uint8_t>(rates_.size()))));
    return rates_[version];
  }

  // Device ids, labels and versions of the model need no escapes in JSON; app and channel come from the user.
  void write_checkin(Instant wall) {
    if (prefix_.empty())
      prefix_ = "\",\"app\":" + doc::to_json(shared_.options.app) +
                ",\"channel\":" + doc::to_json(shared_.options.channel) + ",\"version\":\"";
    const std::string sent = to_text(wall);
    body_.clear();
    for (const std::uint32_t index : due_) {
      const Device& device = devices_[index];
      body_ += body_.empty() ? "[{\"device\":\"" : ",{\"device\":\"";
      body_.append(device.who.id).append(prefix_).append(version_name(device.version));
      fmt::format_to(std::back_inserter(body_),
                     "\",\"boot\":\"{:08x}\",\"seq\":{},\"sessions\":{},\"crashes\":{},\"labels\":{{",
                     device.boot, device.seq, device.sessions, device.crashes);
      bool first = true;
      for (const auto& [name, value] : device.who.labels) {
        body_ += first ? "\"" : ",\"";
        body_.append(name).append("\":\"").append(value).append("\"");
        first = false;
      }
      body_ += device.updated ? "},\"signals\":{},\"outcome\":\"updated\",\"sent\":\""
                              : "},\"signals\":{},\"sent\":\"";
      body_.append(sent).append("\"}");
    }
    body_ += ']';
  }

  const std::string& version_name(std::uint8_t version) {
    while (names_.size() <= version)
      names_.push_back(shared_.versions.name(static_cast<std::uint8_t>(names_.size())));
    return names_[version];
  }

  std::string_view etag_of(const Device& device) const {
    if (!device.memory.feed) return {};
    for (const auto& [feed, tag] : etags_)
      if (feed == device.memory.feed.get()) return tag;
    return {};
  }

  void take_checkin(const Answer& answer) {
    const std::lock_guard lock(mutex_);
    if (answer.status == 200 && answer.body.find("\"rejected\":0") != std::string::npos) {
      checkins_ += due_.size();
      for (const std::uint32_t index : due_) devices_[index].updated = false;
      return;
    }
    std::uint64_t accepted = 0;
    if (const auto body = doc::parse_json(answer.body); body)
      if (const doc::Value* number = body->find("accepted"); number != nullptr && number->is_int())
        accepted = static_cast<std::uint64_t>(number->as_int());
    checkins_ += accepted;
    refused_ += due_.size() - std::min<std::uint64_t>(accepted, due_.size());
  }

  void take_feed(Device& device, const Answer& answer, Instant wall) {
    std::shared_ptr<const channel::Feed> fresh;
    Refusal refusal;
    if (answer.status == 200) {
      fresh = shared_.site.open(answer.body, wall, refusal);
      if (fresh && !answer.etag.empty()) remember(fresh, answer.etag);
    } else if (answer.status != 304 && answer.status != 404) {  // 404: nothing is published yet
      refusal.word = fmt::format("http-{}", answer.status);
    }
    std::unique_lock lock(mutex_);
    ++polls_;
    if (!refusal.word.empty()) {
      ++failures_[refusal.word];
      return;
    }
    // The same feed and the same version give the same answer; only the expiry moves.
    if (!fresh && device.decided == device.memory.feed.get() && device.memory.feed &&
        wall < device.memory.feed->expires)
      return;
    const Verdict verdict =
        consider(device.memory, std::move(fresh), device.who, version_name(device.version), wall);
    if (verdict.refused) {
      ++failures_[verdict.refusal.word];
      return;
    }
    device.stranded = verdict.decision.reason == cohort::Reason::stranded;
    if (verdict.decision.version.empty()) {
      device.decided = device.memory.feed.get();
      return;
    }
    const std::string version = verdict.decision.version;
    lock.unlock();
    const bool good = shared_.site.install(
        *device.memory.feed, version,
        [this](std::string_view name, std::size_t most) { return fetch(name, most); }, wall, refusal);
    lock.lock();
    if (!good) {
      ++failures_[refusal.word];
      return;
    }
    device.version = shared_.versions.number_of(version);
    device.ever |= std::uint64_t{1} << device.version;
    device.decided = device.memory.feed.get();
    device.boot = static_cast<std::uint32_t>(device.random.next());
    device.seq = device.sessions = device.crashes = 0;
    device.updated = true;
    ++updates_;
  }

  void remember(const std::shared_ptr<const channel::Feed>& feed, const std::string& tag) {
    for (const auto& [known, known_tag] : etags_)
      if (known == feed.get()) return;
    if (etags_.size() >= 16) etags_.pop_front();
    etags_.emplace_back(feed.get(), tag);
    kept_.push_back(feed);  // so that no other feed takes its address
    if (kept_.size() > 32) kept_.pop_front();
  }

  Result<std::string> fetch(std::string_view name, std::size_t most) {
    Wire wire(shared_.address, std::chrono::seconds(60));
    wire.get("/" + percent_encode(shared_.options.channel) + "/" + std::string(name));
    std::vector<Answer> answers = TRY(wire.exchange(most));
    if (answers.front().status != 200)
      return fail(ErrorKind::failed, "{}: HTTP {}", name, answers.front().status);
    return std::move(answers.front().body);
  }

  Shared& shared_;
  Wire wire_;
  std::string feed_path_, prefix_, body_;
  std::vector<std::uint32_t> order_, due_;
  std::vector<double> rates_;
  std::deque<std::string> names_;
  std::deque<std::pair<const channel::Feed*, std::string>> etags_;
  std::deque<std::shared_ptr<const channel::Feed>> kept_;
  std::mutex mutex_;  // what add_to reads
  std::vector<Device> devices_;
  std::map<std::string, std::uint64_t> failures_;
  std::uint64_t polls_ = 0, checkins_ = 0, refused_ = 0, updates_ = 0;
  std::thread thread_;
};

doc::Value counts_of(Versions& versions, const std::vector<std::uint64_t>& counts, bool zeros) {
  doc::Value value = doc::Value::object();
  for (std::size_t v = 0; v < versions.count() && v < counts.size(); ++v)
    if (zeros || counts[v] > 0)
      value.set(versions.name(static_cast<std::uint8_t>(v)), static_cast<std::int64_t>(counts[v]));
  return value;
}

}  // namespace

Result<doc::Value> run_load(ports::World& world, const LoadOptions& options) {
  TRY(check_model(options.model));
  if (options.connections < 1 || options.connections > 256)
    return fail_hint(ErrorKind::usage, "give 1 to 256", "{} connections", options.connections);
  const Address address = TRY(parse_address(options.url));
  Shared shared{world, options, address, Site(options.trust, options.app, options.channel), {}, {}, {}, {}};
  std::deque<Lane> lanes;
  for (int i = 0; i < options.connections; ++i)
    lanes.emplace_back(shared, static_cast<std::size_t>(i), static_cast<std::size_t>(options.connections));

  const auto started = Steady::now();
  const Instant wall_start = world.clock.now();
  doc::Array timeline;
  std::size_t keep_every = 1, point = 0;
  bool had_it = false;
  for (;;) {
    Totals totals;
    totals.by_version.resize(most_versions);
    totals.ever.resize(most_versions);
    for (Lane& lane : lanes) lane.add_to(totals);
    const double seconds = std::chrono::duration<double>(Steady::now() - started).count();
    doc::Value by_version = counts_of(shared.versions, totals.by_version, true);
    if (point++ % keep_every == 0)
      timeline.push_back(
          doc::Value::object({{"t", std::round(seconds * 10) / 10},
                              {"by-version", counts_of(shared.versions, totals.by_version, false)}}));
    if (timeline.size() > most_timeline) {
      for (std::size_t i = 0; 2 * i < timeline.size(); ++i) timeline[i] = timeline[2 * i];
      timeline.resize((timeline.size() + 1) / 2);
      keep_every *= 2;
    }
    doc::Value failures = doc::Value::object();
    for (const auto& [word, count] : totals.failures) failures.set(word, static_cast<std::int64_t>(count));
    doc::Value report =
        doc::Value::object({{"schema", "tranche/fleet/v1"},
                            {"seed", fmt::format("{}", options.model.seed)},
                            {"devices", static_cast<std::int64_t>(options.model.devices)},
                            {"by-version", by_version},
                            {"ever", counts_of(shared.versions, totals.ever, true)},
                            {"failures", failures},
                            {"polls", static_cast<std::int64_t>(totals.polls)},
                            {"checkins", static_cast<std::int64_t>(totals.checkins)},
                            {"refused-checkins", static_cast<std::int64_t>(totals.refused)},
                            {"updates", static_cast<std::int64_t>(totals.updates)},
                            {"bytes", static_cast<std::int64_t>(shared.site.bytes_downloaded())},
                            {"seconds", std::round(seconds * 10) / 10},
                            {"stranded", static_cast<std::int64_t>(totals.stranded)},
                            {"example-device", totals.example},
                            {"timeline", timeline}});
    if (!options.report.empty()) TRY(world.files.write(options.report, doc::to_json(report) + "\n"));
    if (options.progress)
      options.progress(fmt::format("{:.0f}s  {} polls  {}{}", seconds, totals.polls,
                                   doc::to_json(counts_of(shared.versions, totals.by_version, false)),
                                   totals.failures.empty() ? "" : "  failures " + doc::to_json(failures)));
    bool gone = false;
    if (const doc::Value* running = by_version.find(options.until_gone); running != nullptr) {
      had_it = had_it || running->as_int() > 0;
      gone = had_it && running->as_int() == 0;
    }
    const bool over =
        options.duration > Duration::zero() && world.clock.now() - wall_start >= options.duration;
    Instant next = world.clock.now() + std::chrono::seconds(1);
    if (options.duration > Duration::zero()) next = std::min(next, wall_start + options.duration);
    if (gone || over || !world.clock.sleep_until(next)) {
      {
        const std::lock_guard lock(shared.mutex);
        shared.stopping = true;
      }
      shared.wake.notify_all();
      for (Lane& lane : lanes) lane.join();
      if (gone || over || world.clock.interrupted()) return report;
    }
  }
}

}  // namespace tranche::fleet
