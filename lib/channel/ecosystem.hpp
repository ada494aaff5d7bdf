// One update ecosystem's feed: what it must know of a release, the files that say who gets it, and those
// files read as their client reads them. One file an ecosystem; the list in ecosystems.cpp is the table of
// contents.
//
// Artifacts lie once in the store, at artifact_name(version, name), and feeds name them there. What a feed
// says changes on every decision and is made by cron with the feed key; what it must know of the artifacts
// (other digests, control files, the client's signature over an archive) is made once at `release create`,
// bound by the manifest and so signed with the release key: a feed key introduces no artifact.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "cohort/clients.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"
#include "store/store.hpp"

namespace tranche::channel {

inline constexpr std::size_t max_facts_bytes = 4 << 20;
inline constexpr std::size_t max_ecosystem_file = 16 << 20;

// --- release create --------------------------------------------------------------------------------------

struct DescribeInput {
  ports::World& world;
  const std::string& repository;
  std::string app, version;
  Instant created{};
  const std::vector<artifact::Artifact>& artifacts;  // with local paths
  spec::Client client;                               // its secret references are read here
};
// The facts: JSON of the ecosystem's own making, at most max_facts_bytes; empty when no artifact is for it.
using Describe = Result<std::string> (*)(const DescribeInput&);
// The name of that document in the manifest: "electron.feed.json".
std::string facts_name(std::string_view feed);

// A second name in the store for an artifact, where a client wants it beside its feed file.
struct Alias {
  std::string artifact;  // its name in the manifest
  std::string name;      // in the store
};

// --- publishing ------------------------------------------------------------------------------------------

struct Shipped {
  artifact::Manifest manifest;
  std::string facts;  // as described; empty: the release has nothing for this ecosystem
};

struct WriteInput {
  ports::World& world;
  const std::string& repository;
  std::string app;
  const spec::Channel& channel;
  spec::Client client;
  std::vector<cohort::Track> tracks;  // the channel's own first
  std::vector<Shipped> releases;      // highest version first; all that may be named, none that is withdrawn
  std::uint64_t sequence = 0;
  Instant issued{}, expires{};  // of the deciding entry: the same at every try
  store::Store& store;          // what is there now
};
struct Named {
  std::string name;
  std::string bytes;
};
// What the feed's files are to be. A track without a release leaves its files as they are, unless it is
// emptied. Deterministic where the ecosystem's own signature is: the same input gives the same bytes, so
// publishing twice writes nothing.
struct Written {
  std::vector<Named> files;        // under names that hold their digest: written before, never changed
  std::vector<Named> pointers;     // what clients read first; the order they are written in
  std::vector<std::string> notes;  // what a person should know: "electron: nobody is reached at 0.5%"
};
using Write = Result<Written> (*)(const WriteInput&);

// --- reading ---------------------------------------------------------------------------------------------

// Files below one place: a store, a directory, a web address. Absent is nullopt; bounded.
using Fetch =
    std::function<Result<std::optional<std::string>>(const std::string& name, std::size_t max_bytes)>;

struct ReadInput {
  Fetch fetch;
  std::string channel;       // ours: "stable"
  std::string feed_channel;  // a cohort's own file; empty: the channel's
  std::string platform;      // "linux/amd64"; empty: whatever is there
  std::string file;          // this very file, when a person named one; else the ecosystem's names are tried
  spec::Client client;
  Instant now{};
  std::string base_url;  // the place's own address, where it is known: for feeds that name whole addresses
  // Given where a signature that only another program checks (gpg) is to be looked at, with the client's key.
  ports::World* world = nullptr;
  std::string repository{};
};
// What a whole address is called below a base address: "a/b.gz" for https://host/x/a/b.gz below
// https://host/x. Empty when it lies elsewhere, or base_url is empty and the name is not one that we give.
std::string name_below(std::string_view base_url, std::string_view url);

struct Asker {
  std::string_view id;       // the id that this client buckets by: a UUID, a machine id, a group number
  std::string_view running;  // the version it runs; empty: not known, taken for older than all
};
struct Answer {
  std::string_view offered;  // version; empty: nothing
  std::string_view reason;   // one word: "admitted", "not-admitted", "everyone", "running", "newer", "no-id",
                             // "nothing", "waits", "critical", ...; stable, for scripts
};

// A file that a feed names.
struct NamedFile {
  std::string url;   // as written
  std::string name;  // below the place that was read; empty: elsewhere
  std::uint64_t size = 0;
  std::map<std::string, std::string> digests;  // "sha256" → hex
};
struct NamedRelease {
  std::string version;
  std::string platform;  // "any" when the feed does not say
  std::vector<NamedFile> files;
};

enum class Level { good, note, warning, problem };
struct Remark {
  Level level = Level::note;
  std::string code;  // "unsigned", "stale", "unrecoverable", "truncated-share", ...
  std::string text;  // with this feed's numbers
  std::string hint;
};

// A published feed as its client understands it.
class View {
 public:
  virtual ~View() = default;
  // Pure and fast (a million a second): what this client would install.
  [[nodiscard]] virtual Answer ask(const Asker& asker) const = 0;
  // The same in words, a sentence a step.
  [[nodiscard]] virtual std::vector<std::string> explain(const Asker& asker) const = 0;
  // The files that were read, and the releases they name, highest version first.
  [[nodiscard]] virtual const std::vector<Named>& files() const = 0;
  [[nodiscard]] virtual const std::vector<NamedRelease>& releases() const = 0;
  // The share of ids that the feed lets through now, 0..1, and the version it offers them ("" none).
  [[nodiscard]] virtual double share() const = 0;
  [[nodiscard]] virtual std::string offers() const = 0;
  // What a person who takes this feed over should know.
  [[nodiscard]] virtual std::vector<Remark> audit(Instant now) const = 0;
  // The facts of a release that another tool published, for `channel adopt`: as Describe makes them, with the
  // files at the names they have.
  [[nodiscard]] virtual Result<std::string> facts(const std::string& version) const = 0;
};
// nullptr: no such file there. kind verification: a client would not accept it.
using Read = Result<std::unique_ptr<View>> (*)(const ReadInput&);

// --- the table -------------------------------------------------------------------------------------------

struct Ecosystem {
  std::string_view feed;
  Describe describe;
  std::vector<Alias> (*aliases)(const artifact::Manifest&, const spec::Client&);  // null: none
  Write write;
  Read read;
};
const std::vector<Ecosystem>& ecosystems();              // without the native feed
const Ecosystem* find_ecosystem(std::string_view feed);  // null: no such feed in this build

}  // namespace tranche::channel
