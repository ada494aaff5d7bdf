// A store keeps bytes under slash-separated names: a directory, a git branch, later an S3 bucket.
//
// The one write is publish(): some files, then one pointer that changes only if it still is what the caller
// read. A reader at any instant sees the old pointer with all it names, or the new one with all it names. Two
// writers: one wins, the other gets kind conflict (exit 9) and has changed nothing that a pointer names.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"

namespace tranche::store {

// Opaque; equal versions mean equal bytes. Default-constructed: "absent".
struct Version {
  std::string tag;
  [[nodiscard]] bool absent() const { return tag.empty(); }
  bool operator==(const Version&) const = default;
};

struct Blob {
  std::string bytes;
  Version version;
};

// How long those who read over HTTP may keep a file. Only buckets say it to them.
enum class Caching {
  by_kind,     // copied files are immutable, files given as bytes last minutes, pointers are revalidated
  immutable,   // under this name never other bytes: for a year
  minutes,     // changes now and then: for five minutes
  revalidate,  // is asked for each time
};

struct File {
  std::string name;
  std::string bytes;      // the content, or
  std::string copy_from;  // a local path whose content is taken (large artifacts), or
  std::string copy_of{};  // a name in this store whose content is taken; one of the three
  // Hex, when the caller knows it: the content is checked while it is written, and other bytes are kind
  // verification and are not left under the name. What the store holds already by that digest is not read.
  std::string sha256{};
  Caching caching = Caching::by_kind;
};

// What a name holds, without its content.
struct Stat {
  std::uint64_t size = 0;
  std::string sha256;  // hex; empty when it is larger than was to be hashed
};
// Where a digest comes from: read from the content itself, or also from what tranche recorded beside it when
// it wrote it (a bucket's metadata), which whoever can write the store could have written too.
enum class DigestFrom { content, record };

struct Pointer {
  std::string name;
  std::string bytes;
  Version expected;  // what the caller read; absent = the pointer must not exist yet
};

struct Publication {
  std::vector<File> files;         // written first, in this order; same name and bytes again is fine
  std::optional<Pointer> pointer;  // then this, conditionally
  // Then these, in this order, each on its own condition. A directory and a git branch compare all of them
  // with the pointer before anything is written; a bucket compares each as it writes it.
  std::vector<Pointer> followers;
  std::string message;  // one line for stores that keep history (git commit message)
};

class Store {
 public:
  virtual ~Store() = default;
  // nullopt: no such name. `max_bytes` bounds what is read; more is an error.
  virtual Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) = 0;
  // Size and SHA-256 in constant memory; nullopt: no such name. A file of more than `max_hashed` bytes is not
  // hashed.
  virtual Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                           DigestFrom from = DigestFrom::record) = 0;
  // Names below a prefix that ends in '/', or all for "", sorted.
  virtual Result<std::vector<std::string>> list(std::string_view prefix) = 0;
  // Returns the pointer's new version (absent when the publication has none).
  virtual Result<Version> publish(const Publication& publication) = 0;
  // Removes files (never the pointer); absent is fine.
  virtual Result<> remove(std::span<const std::string> names) = 0;
  // Forgets what was fetched: the next get() or list() looks at the remote again. A loop that waits for
  // others to change the state calls it before each look.
  virtual void refresh() {}
  // "dir:public/stable", "git:origin#tranche-state": for messages.
  [[nodiscard]] virtual std::string describe() const = 0;
  // A local directory that holds the files, when there is one (dir stores): the server reads from it.
  [[nodiscard]] virtual std::optional<std::string> local_directory() const { return std::nullopt; }
};

// Names: 1..512 bytes, segments of [A-Za-z0-9._~+@=-], no empty, "." or ".." segment, none that is ".git" or
// begins with ".tranche-". kind invalid otherwise.
Result<> check_name(std::string_view name);

// Directory store. Writes are temp + fsync + rename + fsync of the directory; publications hold a lock file
// (.tranche-lock) while they compare and write. Version = SHA-256 of the bytes.
std::unique_ptr<Store> open_directory(ports::Files& files, std::string directory);

struct GitOptions {
  std::string
      repository;  // path of the user's checkout: where `remote` is configured; may be empty with a url
  std::string
      remote;  // a remote's name, a url (https, http, file, path), or empty: a local branch of `repository`
  std::string branch = "tranche-state";
  Secret token;                 // sent as HTTP basic password, user "x-access-token"; may be empty
  std::string cache_directory;  // our own bare repository lives below it
  std::string author_name = "tranche";
  std::string author_email = "tranche@localhost";
  Duration timeout = std::chrono::seconds(60);
};
// State on one branch of a git remote, through a bare repository of our own in the cache directory (a CI
// checkout may be shallow, and its credentials are not ours). get() fetches at most once per store object
// until refresh() or a publish; publish makes one commit and pushes it, never forced; the push counts only
// when the server's per-ref status is ok. A rejected non-fast-forward is kind conflict; a refusing hook is
// kind failed with the server's words.
Result<std::unique_ptr<Store>> open_git(ports::World& world, GitOptions options);

}  // namespace tranche::store
