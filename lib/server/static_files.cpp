// Files in front of strangers: a name is checked as a store name first, then, on the worker, its real path
// has to lie in the real directory, so that a symlink cannot lead out.
#include "server/static_files.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"
#include "channel/ecosystem.hpp"
#include "channel/statement.hpp"
#include "server/feeds.hpp"
#include "store/store.hpp"

namespace tranche::server {

namespace {

constexpr std::uint64_t small_file = 1 << 20;
constexpr std::size_t most_kept = 64 << 20;
constexpr std::string_view releases_prefix = "tranche/v1/releases/";

Response not_found() { return refuse(404, "no such file", "feeds are under /CHANNEL/tranche/v1/feed.json"); }

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".json")) return "application/json";
  if (name.ends_with(".txt") || name.ends_with(".yml") || name.ends_with(".sha256"))
    return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

std::string_view cache_of(std::string_view name) {
  return name.starts_with(releases_prefix) ? "public, max-age=31536000, immutable" : "no-cache";
}

class FileBody final : public BodyReader {
 public:
  explicit FileBody(std::unique_ptr<ports::FileReader> file) : file_(std::move(file)) {}
  Result<std::size_t> read(char* into, std::size_t capacity) override { return file_->read(into, capacity); }

 private:
  std::unique_ptr<ports::FileReader> file_;
};

// A file that updaters read first, with the statement that says which bytes are ours.
bool is_feed_file(ports::Files& files, const std::string& path, std::string_view name) {
  if (name.starts_with(releases_prefix)) return false;
  const auto info = files.info(channel::statement_name(path));
  return info && *info;
}

Result<std::string> read_stated(ports::Files& files, const std::string& path, const std::string& name,
                                const signing::Trust& trust) {
  // The statement is written before the file, and names the file before it too. Read in the other order, a
  // whole publication may lie between the two: a second look finds them settled.
  Result<> checked;
  for (int look = 0; look < 2; ++look) {
    auto bytes = TRY(files.read(path, channel::max_ecosystem_file));
    const auto envelope = TRY(files.read(channel::statement_name(path), channel::max_statement_bytes));
    if (!bytes || !envelope) return fail(ErrorKind::verification, "'{}' or its statement is gone", name);
    const channel::Statement statement = TRY(channel::open_statement(*envelope, trust));
    checked = channel::check_file(statement, name, *bytes);
    if (checked) return std::move(*bytes);
  }
  return fail(checked.error());
}

}  // namespace

Response give(std::shared_ptr<const Content> content, std::string_view if_none_match) {
  Response response;
  // A list of tags or a weak one: found anywhere is found (the tags are 32 hex digits in quotes).
  if (!content->etag.empty() &&
      (if_none_match == "*" || if_none_match.find(content->etag) != std::string_view::npos))
    response.status = 304;
  response.content = std::move(content);
  return response;
}

Response StaticFiles::get(const std::string& directory, std::string_view name, std::string_view if_none_match,
                          const signing::Trust& trust) {
  if (!store::check_name(name)) return not_found();
  if (name.starts_with('.') || name.find("/.") != std::string_view::npos) return not_found();
  {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(join_path(directory, std::string(name)));
    if (found != kept_.end()) return give(found->second, if_none_match);
  }
  Response response;
  response.later = [this, directory, name = std::string(name), tags = std::string(if_none_match), &trust] {
    return read(directory, name, tags, trust);
  };
  return response;
}

Response StaticFiles::read(const std::string& directory, const std::string& name,
                           const std::string& if_none_match, const signing::Trust& trust) {
  const std::string path = join_path(directory, name);
  const auto root = files_.real_path(directory);
  const auto real = files_.real_path(path);
  if (!root || !real || !is_within(*root, *real)) return not_found();
  const auto info = files_.info(*real);
  if (!info || !*info || (*info)->kind != ports::FileInfo::Kind::file) return not_found();
  auto content = std::make_shared<Content>();
  content->type = type_of(name);
  content->cache_control = cache_of(name);
  if (is_feed_file(files_, *real, name)) {
    auto bytes = read_stated(files_, *real, name, trust);
    if (!bytes)
      return refuse(503, bytes.error().message, "publish the channel again: tranche rollout advance");
    content->bytes = std::move(*bytes);
    content->etag = make_etag(content->bytes);
    return give(std::move(content), if_none_match);
  }
  if ((*info)->size > small_file) {
    auto file = files_.open(*real);
    if (!file) return not_found();
    content->etag = fmt::format("\"{:x}-{:x}\"", (*info)->size, (*info)->modified.time_since_epoch().count());
    const std::uint64_t size = (*info)->size;
    Response response = give(std::move(content), if_none_match);
    if (response.status == 200) {
      response.reader = std::make_shared<FileBody>(std::move(*file));
      response.reader_size = size;
    }
    return response;
  }
  auto bytes = files_.read(*real, small_file);
  if (!bytes || !*bytes) return not_found();
  content->bytes = std::move(**bytes);
  content->etag = make_etag(content->bytes);
  if (name.starts_with(releases_prefix)) {
    const std::lock_guard lock(mutex_);
    if (kept_bytes_ + content->bytes.size() > most_kept) {
      kept_.clear();
      kept_bytes_ = 0;
    }
    if (kept_.emplace(path, content).second) kept_bytes_ += content->bytes.size();
  }
  return give(std::move(content), if_none_match);
}

}  // namespace tranche::server
