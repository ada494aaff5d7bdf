#include "channel/site.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/hash.hpp"

namespace tranche::channel {
namespace {

constexpr std::size_t max_name_bytes = 1024;
constexpr int max_redirects = 5;
constexpr auto web_timeout = std::chrono::seconds(60);
constexpr auto artifact_timeout = std::chrono::minutes(30);

constexpr std::size_t piece_bytes = 256 * 1024;

class MemoryReader final : public ports::FileReader {
 public:
  explicit MemoryReader(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read(char* into, std::size_t capacity) override {
    const std::size_t got = bytes_.copy(into, capacity, at_);
    at_ += got;
    return got;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

std::unique_ptr<ports::FileReader> reader_of(std::optional<std::string> bytes) {
  return bytes ? std::make_unique<MemoryReader>(std::move(*bytes)) : nullptr;
}

class DirectorySite final : public Site {
 public:
  DirectorySite(ports::Files& files, std::string directory)
      : files_(files), directory_(std::move(directory)), store_(store::open_directory(files, directory_)) {}

  Result<std::optional<std::string>> read(const std::string& name, std::size_t max_bytes) override {
    if (!TRY(holds(name))) return std::optional<std::string>();
    return files_.read(join_path(directory_, name), max_bytes);
  }
  Result<std::optional<std::vector<std::string>>> list() override {
    return std::optional(TRY(store_->list("")));
  }
  Result<std::unique_ptr<ports::FileReader>> open(const std::string& name) override {
    if (!TRY(holds(name))) return std::unique_ptr<ports::FileReader>();
    return files_.open(join_path(directory_, name));
  }
  [[nodiscard]] std::optional<std::string> local_path(const std::string& name) const override {
    return join_path(directory_, name);
  }
  [[nodiscard]] std::string describe() const override { return "dir:" + directory_; }

 private:
  // A feed names its neighbours, and nothing that a link in their place leads to.
  Result<bool> holds(const std::string& name) {
    TRY(check_site_name(name));
    const auto info = TRY(files_.info(join_path(directory_, name)));
    if (!info) return false;
    if (info->kind == ports::FileInfo::Kind::file) return true;
    if (info->kind == ports::FileInfo::Kind::symlink) {
      const std::string target = TRY(files_.real_path(join_path(directory_, name)));
      if (is_within(TRY(files_.real_path(directory_)), target)) return true;
    }
    return fail_hint(ErrorKind::invalid, "put the file itself there",
                     "{} in {} is no regular file of its own", printable(name), describe());
  }

  ports::Files& files_;
  std::string directory_;
  std::unique_ptr<store::Store> store_;
};

class StoreSite final : public Site {
 public:
  StoreSite(ports::Files& files, store::Store& store) : files_(files), store_(store) {}

  Result<std::optional<std::string>> read(const std::string& name, std::size_t max_bytes) override {
    if (!store::check_name(name)) return std::optional<std::string>();  // a store holds no such file
    auto blob = TRY(store_.get(name, max_bytes));
    if (!blob) return std::optional<std::string>();
    return std::optional(std::move(blob->bytes));
  }
  Result<std::optional<std::vector<std::string>>> list() override {
    return std::optional(TRY(store_.list("")));
  }
  Result<std::unique_ptr<ports::FileReader>> open(const std::string& name) override {
    if (const auto path = local_path(name)) {
      if (!TRY(files_.info(*path))) return std::unique_ptr<ports::FileReader>();
      return files_.open(*path);
    }
    return reader_of(TRY(read(name, max_whole_artifact)));
  }
  [[nodiscard]] std::optional<std::string> local_path(const std::string& name) const override {
    const auto directory = store_.local_directory();
    if (!directory || !store::check_name(name)) return std::nullopt;
    return join_path(*directory, name);
  }
  [[nodiscard]] std::string describe() const override { return store_.describe(); }

 private:
  ports::Files& files_;
  store::Store& store_;
};

class WebSite final : public Site {
 public:
  // `base` ends in '/'. `query` goes with the file `named`.
  WebSite(ports::Http& http, std::string base, std::string named, std::string query)
      : http_(http), base_(std::move(base)), named_(std::move(named)), query_(std::move(query)) {}

  Result<std::optional<std::string>> read(const std::string& name, std::size_t max_bytes) override {
    return get(name, max_bytes, web_timeout);
  }
  Result<std::optional<std::vector<std::string>>> list() override {
    return std::optional<std::vector<std::string>>();
  }
  Result<std::unique_ptr<ports::FileReader>> open(const std::string& name) override {
    return reader_of(TRY(get(name, max_whole_artifact, artifact_timeout)));
  }
  [[nodiscard]] std::string address() const override { return base_; }
  [[nodiscard]] std::string describe() const override { return base_; }

 private:
  Result<std::optional<std::string>> get(const std::string& name, std::size_t max_bytes, Duration timeout) {
    TRY(check_site_name(name));
    ports::HttpRequest request;
    request.url = base_;
    for (std::size_t i = 0; const std::string_view segment : split(name, '/'))
      request.url += (i++ == 0 ? "" : "/") + percent_encode(segment);
    if (name == named_) request.url += query_;
    request.max_response_bytes = max_bytes;
    request.timeout = timeout;
    request.max_redirects = max_redirects;
    auto answer = TRY_WHILE("reading " + printable(base_ + name), http_.send(request));
    // A bucket that may not be listed answers 403 for what is not there.
    if (answer.status == 404 || answer.status == 410 || answer.status == 403 || answer.status == 204)
      return std::optional<std::string>();
    if (answer.status != 200)
      return fail_hint(ErrorKind::failed, "open the address in a browser; is it the right one?",
                       "{} answers {} for {}", printable(base_), answer.status, printable(name));
    return std::optional(std::move(answer.body));
  }

  ports::Http& http_;
  std::string base_, named_, query_;
};

// Where an APT repository begins in a path: before "dists/".
std::optional<std::size_t> repository_end(std::string_view path) {
  if (path.starts_with("dists/")) return 0;
  const auto found = path.rfind("/dists/");
  return found == std::string_view::npos ? std::nullopt : std::optional(found + 1);
}

Result<Opened> open_web(ports::World& world, std::string_view url) {
  url = url.substr(0, url.find('#'));
  const auto question = url.find('?');
  const std::string query(question == std::string_view::npos ? "" : url.substr(question));
  const std::string_view path = url.substr(0, question);
  const auto host = path.find("://") + 3;
  const auto slash = path.find('/', host);
  std::string base, file;
  if (slash == std::string_view::npos) {
    base = std::string(path) + "/";
  } else {
    const auto end = slash + 1 + repository_end(path.substr(slash + 1)).value_or(path.rfind('/') - slash);
    base = std::string(path.substr(0, end));
    const auto decoded = percent_decode(path.substr(end));
    if (!decoded)
      return fail_hint(ErrorKind::usage, "write % as %25", "'{}' holds a broken escape", printable(path));
    file = *decoded;
  }
  if (!file.empty() && file.ends_with('/')) {
    base += file;
    file.clear();
  }
  if (!file.empty()) TRY(check_site_name(file));
  return Opened{std::make_unique<WebSite>(world.http, base, file, query), file};
}

Result<Opened> open_local(ports::World& world, const std::string& path) {
  const auto hint = "name a file, a directory or an http address";
  if (path.empty()) return fail_hint(ErrorKind::usage, hint, "an empty name is no place to read");
  auto info = TRY(world.files.info(path));
  if (info && info->kind == ports::FileInfo::Kind::symlink)
    info = TRY(world.files.info(TRY(world.files.real_path(path))));
  if (!info) return fail_hint(ErrorKind::failed, hint, "there is no file {}", printable(path));
  std::string directory = path, file;
  if (info->kind != ports::FileInfo::Kind::directory) {
    const std::string plain = normal_path(path);
    const auto end = repository_end(plain);
    directory = end ? plain.substr(0, *end) : directory_name(plain);
    file = end ? plain.substr(*end) : base_name(plain);
    if (directory.empty()) directory = ".";
  }
  return Opened{open_directory_site(world.files, directory), file};
}

}  // namespace

Result<> check_site_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return fail_hint(ErrorKind::invalid, "a feed may name files below its own place only", "'{}' {}",
                     printable(name, 120), why);
  };
  if (name.empty() || name.size() > max_name_bytes) return refuse("is empty or too long for a file name");
  for (const std::string_view segment : split(name, '/'))
    if (segment.empty() || segment == "." || segment == "..") return refuse("leads out of its place");
  if (std::ranges::any_of(
          name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\'; }))
    return refuse("holds characters that no file name has");
  return {};
}

std::unique_ptr<Site> open_directory_site(ports::Files& files, std::string directory) {
  return std::make_unique<DirectorySite>(files, std::move(directory));
}

std::unique_ptr<Site> open_store_site(ports::Files& files, store::Store& store) {
  return std::make_unique<StoreSite>(files, store);
}

Result<Opened> open_site(ports::World& world, std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) return open_web(world, text);
  if (text.starts_with("dir:")) text.remove_prefix(4);
  const auto scheme = text.find("://");
  if (scheme != std::string_view::npos)
    return fail_hint(ErrorKind::usage, "name a file, a directory or an http address",
                     "'{}' cannot be read here", printable(text, 120));
  return open_local(world, std::string(text));
}

Result<std::optional<Measured>> measure(Site& site, const std::string& name,
                                        const std::vector<std::string>& algorithms) {
  const auto reader = TRY(site.open(name));
  if (reader == nullptr) return std::optional<Measured>();
  static const std::map<std::string, crypto::HashKind> kinds{
      {"sha512", crypto::HashKind::sha512}, {"sha1", crypto::HashKind::sha1}, {"md5", crypto::HashKind::md5}};
  std::map<std::string, crypto::Hash> others;
  for (const std::string& algorithm : algorithms)
    if (const auto kind = kinds.find(algorithm); kind != kinds.end())
      others.try_emplace(algorithm, kind->second);
  crypto::Sha256 sha256;
  Measured out;
  std::string piece(piece_bytes, '\0');
  while (const std::size_t got = TRY(reader->read(piece.data(), piece.size()))) {
    const std::string_view bytes = std::string_view(piece).substr(0, got);
    sha256.update(bytes);
    for (auto& [algorithm, hash] : others) hash.update(bytes);
    out.size += got;
  }
  out.digests["sha256"] = crypto::to_hex(sha256.finish());
  for (auto& [algorithm, hash] : others) out.digests[algorithm] = to_hex(hash.finish());
  return std::optional(std::move(out));
}

Fetch fetch_from(Site& site) {
  struct Reading {
    std::map<std::string, std::optional<std::string>> files;
    std::size_t taken = 0, bytes = 0;
  };
  return [&site, reading = std::make_shared<Reading>()](
             const std::string& name, std::size_t max_bytes) -> Result<std::optional<std::string>> {
    const auto known = reading->files.find(name);
    if (known != reading->files.end() && (!known->second || known->second->size() <= max_bytes))
      return known->second;
    if (++reading->taken > max_site_files)
      return fail_hint(ErrorKind::invalid, "name one feed file of it",
                       "{} would have more than {} files read", printable(site.describe()), max_site_files);
    auto bytes = TRY(site.read(name, std::min(max_bytes, max_site_bytes - reading->bytes)));
    if (bytes) reading->bytes += bytes->size();
    reading->files[name] = bytes;
    return bytes;
  };
}

}  // namespace tranche::channel
