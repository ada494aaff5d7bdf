// Two small files are read five times a second and compared with what was read before: cheaper than it sounds
// (the page cache answers), and it misses nothing, which a look at modification times does.
#include "server/feeds.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "doc/value.hpp"

namespace tranche::server {

namespace {

std::shared_ptr<const Content> make_file(std::string bytes) {
  auto content = std::make_shared<Content>();
  content->etag = make_etag(bytes);
  content->bytes = std::move(bytes);
  content->cache_control = "no-cache";  // ask each time; 304 is the usual answer
  return content;
}

std::shared_ptr<const Content> make_answer(const channel::Feed& feed, const channel::ReleaseRef& release,
                                           cohort::Reason reason, std::string_view prefix) {
  auto content = std::make_shared<Content>();
  content->bytes =
      doc::to_json(doc::Value::object(
          {{"schema", "tranche/update/v1"},
           {"version", release.version},
           {"reason", to_text(reason)},
           {"manifest", doc::Value::object({{"path", std::string(prefix) + release.manifest_path},
                                            {"sha256", release.manifest_sha256}})},
           {"feed", fmt::format("{}{}", prefix, channel::feed_name)},
           {"sequence", static_cast<std::int64_t>(feed.sequence)}})) +
      "\n";
  return content;
}

void fill_answers(Snapshot& snapshot, std::string_view prefix) {
  snapshot.answers.clear();
  for (const channel::ReleaseRef& release : snapshot.feed.releases) {
    auto& answers = snapshot.answers[release.version];
    for (std::size_t reason = 0; reason < answers.size(); ++reason)
      answers[reason] = make_answer(snapshot.feed, release, static_cast<cohort::Reason>(reason), prefix);
  }
}

void fill_flags(Snapshot& snapshot, const flags::FlagSet& set) {
  snapshot.flags.clear();
  for (const auto& [key, setting] : set.flags) {
    auto content = std::make_shared<Content>();
    content->bytes = doc::to_json(doc::Value::object({{"key", key}, {"value", setting.value}})) + "\n";
    content->cache_control = "no-cache";
    snapshot.flags.emplace(key, std::move(content));
  }
}

// "stable: feed 50, baseline 1.1.0, offers 1.2.0, withdrawn 1.1.5"
std::string describe(const ServedChannel& served, const channel::Feed& feed) {
  const cohort::Directions& directions = feed.directions;
  std::string text = fmt::format("{}: feed {}", served.channel, feed.sequence);
  if (!directions.baseline.empty()) text += ", baseline " + printable(directions.baseline);
  if (directions.offer) text += ", offers " + printable(directions.offer->release);
  for (const cohort::Withdrawn& withdrawn : directions.withdrawn)
    text += ", withdrawn " + printable(withdrawn.version);
  return text;
}

}  // namespace

std::string make_etag(std::string_view bytes) {
  return "\"" + crypto::to_hex(crypto::sha256(bytes)).substr(0, 32) + "\"";
}

Feeds::Feeds(ports::World& world, std::vector<ServedChannel> channels, Loaded loaded, Tell tell,
             FindEcosystem find_ecosystem)
    : world_(world),
      channels_(std::move(channels)),
      loaded_(std::move(loaded)),
      tell_(std::move(tell)),
      find_(find_ecosystem),
      snapshots_(channels_.size()),
      raw_(channels_.size()) {
  for (auto& snapshot : snapshots_) snapshot.store(std::make_shared<const Snapshot>());
  poll();
}

Feeds::~Feeds() { stop(); }

void Feeds::start(Duration every) {
  thread_ = std::thread([this, every] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, every, [this] { return stopping_; })) {
      lock.unlock();
      poll();
      lock.lock();
    }
  });
}

void Feeds::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

int Feeds::find(std::string_view app, std::string_view channel) const {
  for (std::size_t i = 0; i < channels_.size(); ++i)
    if (channels_[i].channel == channel && channels_[i].app == app) return static_cast<int>(i);
  return -1;
}

std::string Feeds::prefix(std::size_t channel) const {
  const ServedChannel& served = channels_[channel];
  for (const ServedChannel& other : channels_)
    if (other.channel == served.channel && other.app != served.app)
      return fmt::format("/{}/{}/", served.app, served.channel);
  return fmt::format("/{}/", served.channel);
}

void Feeds::poll() {
  const std::lock_guard lock(poll_mutex_);
  for (std::size_t i = 0; i < channels_.size(); ++i) poll(i);
}

std::string Feeds::prepare_served(std::size_t index, Snapshot& snapshot, const Snapshot& before) {
  const ServedChannel& served = channels_[index];
  std::string trouble;
  snapshot.served.clear();
  for (const std::string& name : served.config.feeds) {
    if (!served.decides(name)) continue;
    const ServedFeed* known = nullptr;
    for (const auto& one : before.served)
      if (one->name() == name) known = one.get();
    snapshot.served.push_back(ServedFeed::prepare(world_, served, name, snapshot.feed, known, find_));
    if (trouble.empty()) trouble = snapshot.served.back()->trouble();
  }
  return trouble;
}

void Feeds::poll(std::size_t index) {
  const ServedChannel& served = channels_[index];
  const std::shared_ptr<const Snapshot> before = at(index);
  Raw& raw = raw_[index];
  const auto read = [&](std::string_view name, std::size_t most) -> Result<std::string> {
    auto bytes = TRY(world_.files.read(join_path(served.directory, std::string(name)), most));
    return bytes ? std::move(*bytes) : std::string();
  };
  auto feed_bytes = read(channel::feed_name, channel::max_feed_bytes);
  auto flag_bytes = read(flags::flags_name, channel::max_feed_bytes);
  std::shared_ptr<Snapshot> next;
  const auto changing = [&]() -> Snapshot& {
    if (!next) next = std::make_shared<Snapshot>(*before);
    return *next;
  };
  bool fresh = false;
  const bool same_feed = feed_bytes && raw.feed && *feed_bytes == *raw.feed;
  const bool same_flags = flag_bytes && raw.flags && *flag_bytes == *raw.flags;
  if (!feed_bytes) {
    raw.feed_trouble = feed_bytes.error().message;
  } else if (!same_feed) {
    raw.feed_trouble.clear();
    if (feed_bytes->empty()) {
      raw.feed_trouble = fmt::format("there is no {} in {}", channel::feed_name, printable(served.directory));
    } else {
      // The reference client's order, with the highest sequence this process has seen.
      auto feed = channel::open_feed(*feed_bytes, served.trust, served.app, served.channel,
                                     world_.clock.now(), channel::Seen{before->feed.sequence});
      if (feed) {
        Snapshot& snapshot = changing();
        snapshot.loaded = true;
        snapshot.feed = std::move(*feed);
        snapshot.feed_file = make_file(*feed_bytes);
        fill_answers(snapshot, prefix(index));
        raw.served_trouble = prepare_served(index, snapshot, *before);
        fresh = true;
      } else {
        raw.feed_trouble = feed.error().message;
      }
    }
    raw.feed = std::move(*feed_bytes);
  }
  // What was missing beside the feed may be there by now.
  if (!fresh && !raw.served_trouble.empty() && before->loaded) {
    Snapshot& snapshot = changing();
    raw.served_trouble = prepare_served(index, snapshot, *before);
  }
  if (!flag_bytes) {
    raw.flags_trouble = flag_bytes.error().message;
  } else if (!same_flags) {
    raw.flags_trouble.clear();
    raw.flags = std::move(*flag_bytes);
    if (!raw.flags->empty()) {
      auto set = flags::open_flags(*raw.flags, served.trust, served.app);
      if (set) {
        fill_flags(changing(), *set);
        changing().flags_file = make_file(*raw.flags);
      } else {
        raw.flags_trouble = set.error().message;
      }
    }
  }
  const std::string& trouble = !raw.feed_trouble.empty()     ? raw.feed_trouble
                               : !raw.served_trouble.empty() ? raw.served_trouble
                                                             : raw.flags_trouble;
  if (trouble != before->trouble) changing().trouble = trouble;
  if (!next) return;
  if (fresh && loaded_) loaded_(served, next->feed);
  if (tell_ && fresh) tell_(describe(served, next->feed));
  if (tell_ && !next->trouble.empty() && next->trouble != before->trouble)
    tell_(fmt::format("{}: {}", served.channel, printable(next->trouble)));
  snapshots_[index].store(std::shared_ptr<const Snapshot>(std::move(next)), std::memory_order_release);
}

}  // namespace tranche::server
