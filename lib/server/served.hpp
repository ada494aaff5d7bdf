// Feeds that the server decides: clients of other updaters ask for their own files here, and get those of
// the release that the one decision function gives them.
//
// The bytes come from the ecosystem's own writer, once a release and file, when the feed changes; a request
// only picks. What is picked depends on who asks, so no cache may keep it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channel/ecosystem.hpp"
#include "channel/feed.hpp"
#include "cohort/served.hpp"
#include "ports/ports.hpp"
#include "server/http.hpp"
#include "signing/keys.hpp"
#include "spec/spec.hpp"

namespace tranche::server {

struct ServedChannel {
  std::string app;
  std::string channel;
  std::string directory;  // of its store: what lies below is named as in the store
  signing::Trust trust;
  std::string repository = {};
  spec::Channel config = {};                                // its feeds, their clients, where clients read
  std::vector<cohort::FeedChannel> feed_channels = {};      // of its cohorts
  [[nodiscard]] bool decides(std::string_view feed) const;  // false: a static file decides, or nothing does
};

// The headers that clients may send, lower case: their ids, x-tranche-version, -manual and -labels.
std::vector<std::string> client_headers(const std::vector<ServedChannel>& channels);

class Query;
using FindEcosystem = const channel::Ecosystem* (*)(std::string_view feed);

// One feed of one channel, for one state of the native feed.
class ServedFeed {
 public:
  // Never fails: what cannot be given is in `trouble`, and those who would get it are answered 503. What
  // `before` made of the same releases is taken over.
  static std::shared_ptr<const ServedFeed> prepare(ports::World& world, const ServedChannel& served,
                                                   std::string_view name, const channel::Feed& feed,
                                                   const ServedFeed* before, FindEcosystem find);

  // `rest`: the path after /CHANNEL/FEED/. Null content and status 0: no file that is decided; `stored` is
  // then the name in the store that the path stands for.
  struct Found {
    Response response;
    std::string stored;
  };
  [[nodiscard]] Found answer(std::string_view rest, const Request& request) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::vector<std::string> files() const;  // that clients may ask for, for people

 private:
  using Answers = std::map<std::string, std::shared_ptr<const Content>, std::less<>>;  // by version
  struct File {
    std::size_t decider = 0;
    Answers answers;
  };
  struct Made {
    std::vector<std::vector<channel::Named>> files;  // by decider
    std::vector<channel::Alias> aliases;
  };
  // `releases`: those that are not above `version`.
  Result<Made> make(ports::World& world, const ServedChannel& served, const channel::Feed& feed,
                    const std::string& version, std::vector<channel::Shipped> releases,
                    FindEcosystem find) const;
  // `running` keeps what the question views.
  Result<cohort::Question> read_question(const Request& request, const Query& query,
                                         std::string& running) const;
  std::optional<std::string> read_endpoint(std::string_view path, const Query& query,
                                           std::string& running) const;
  Response pick(const File& file, const cohort::Question& question) const;
  Response keep(const File& file, const cohort::Question& question) const;

  std::string name_, trouble_, standing_;
  spec::Client client_;
  std::vector<std::string> feed_channels_;  // by decider; the first is empty: the channel's own
  std::vector<cohort::Served> deciders_;
  std::map<std::string, File, std::less<>> files_;
  std::map<std::string, std::string, std::less<>> aliases_;  // → name in the store
  // By the digest of the manifest, and by those of all that a release is made with.
  std::map<std::string, std::shared_ptr<const channel::Shipped>, std::less<>> known_;
  std::map<std::string, std::shared_ptr<const Made>, std::less<>> made_;
  std::map<std::string, std::string, std::less<>> missing_;  // version → why
};

}  // namespace tranche::server
