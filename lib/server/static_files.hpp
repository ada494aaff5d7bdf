// The files of a store as any static host would give them: names as in the store, nothing outside it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ports/ports.hpp"
#include "server/http.hpp"
#include "signing/keys.hpp"

namespace tranche::server {

class StaticFiles {
 public:
  explicit StaticFiles(ports::Files& files) : files_(files) {}

  // The file `name` below `directory`. What a release consists of never changes under its name, so small
  // files of releases are kept in memory (64 MiB in all); everything else is read on a worker thread each
  // time. 404 for a name that is no store name, begins a segment with a dot, or leads out of the directory.
  // 503 for a feed file that the statement beside it (channel/statement.hpp) does not name: what fails its
  // signature is never handed on.
  Response get(const std::string& directory, std::string_view name, std::string_view if_none_match,
               const signing::Trust& trust);

 private:
  Response read(const std::string& directory, const std::string& name, const std::string& if_none_match,
                const signing::Trust& trust);
  ports::Files& files_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Content>, std::less<>> kept_;
  std::size_t kept_bytes_ = 0;
};

// 304 when the client has this content, else 200.
Response give(std::shared_ptr<const Content> content, std::string_view if_none_match);

}  // namespace tranche::server
