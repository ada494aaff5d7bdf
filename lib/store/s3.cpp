// A store in an S3 bucket.
//
// A bucket has no transaction over several names, only a condition on each. So publish() first asks for all
// conditional names, and writes nothing when one of them is not what the caller read; then what is copied,
// which has its digest; then, under a lock, the small files, the pointer and its followers, each on the
// condition that its ETag still is the one that was read. The lock keeps a rival, who will lose the pointer,
// from writing over a small file that it names (the end of a journal); it is a lease of a minute by the
// server's clock, whose holder stops after half of it, so who dies with it stops others for a minute only.
//
// A write whose answer got lost is sent again, and then S3 says that the condition no longer holds: because
// of the first try, or of a rival? Each publish() marks what it writes with a random word, and looks.
#include "store/s3.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "store/publication.hpp"
#include "store/s3_client.hpp"
#include "store/s3_multipart.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_entries = 1'000'000;
constexpr std::uint64_t largest_copy = 5ULL << 30;  // S3 copies no more in one request
constexpr std::string_view lock_name = ".tranche-lock";
constexpr Duration lock_wait = std::chrono::seconds(90);  // longer than a lease: a dead writer stops nobody
constexpr Duration lock_lease = std::chrono::seconds(60);
constexpr Duration lock_hold = std::chrono::seconds(30);  // no request of the holder goes on after it
constexpr std::string_view probe_name = ".tranche-condition-probe";

std::string_view cache_control(Caching caching) {
  switch (caching) {
    case Caching::immutable:
      return "public, max-age=31536000, immutable";
    case Caching::minutes:
    case Caching::by_kind:
      return "public, max-age=300";
    case Caching::revalidate:
      break;
  }
  return "no-cache";
}

std::string_view content_type(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".json", "application/json"}, {".yml", "text/yaml"},      {".yaml", "text/yaml"},
      {".xml", "application/xml"},   {".html", "text/html"},     {".txt", "text/plain"},
      {".gz", "application/gzip"},   {".zip", "application/zip"}};
  for (const auto& [ending, type] : types)
    if (name.ends_with(ending)) return type;
  return "application/octet-stream";
}

class S3Store final : public Store {
 public:
  explicit S3Store(S3Client client) : client_(std::move(client)) {}

  Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) override {
    TRY(check_name(name));
    const S3Call call{.key = client_.key_of(name), .max_response_bytes = max_bytes + (64 << 10)};
    const auto sent = client_.send(call);
    if (!sent) {
      // Was it too large? That is no trouble of the network.
      const auto object = client_.head(call.key);
      if (object && *object && (*object)->size > max_bytes)
        return fail(too_large(name, (*object)->size, max_bytes));
      return fail(sent.error());
    }
    const S3Answer& answer = *sent;
    if (answer.response.status == 404 && answer.code() != "NoSuchBucket") return std::optional<Blob>();
    if (!answer.ok()) return fail(client_.refused(call, answer.response));
    if (answer.response.body.size() > max_bytes)
      return fail(too_large(name, answer.response.body.size(), max_bytes));
    const std::string_view etag = answer.response.header("etag");
    if (etag.empty())
      return fail_hint(ErrorKind::verification, "see that the endpoint is an S3 server",
                       "{} tells no ETag of '{}'", describe(), name);
    return std::optional(Blob{answer.response.body, Version{std::string(etag)}});
  }

  Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                   DigestFrom from) override {
    TRY(check_name(name));
    return stat_key(client_.key_of(name), max_hashed, from);
  }

  Result<std::vector<std::string>> list(std::string_view prefix) override {
    TRY(check_prefix(prefix));
    const std::string above = client_.options().prefix.empty() ? "" : client_.options().prefix + "/";
    std::vector<std::string> names;
    std::string token;
    while (true) {
      S3Call call{.query = {{"list-type", "2"},
                            {"max-keys", "1000"},
                            {"encoding-type", "url"},
                            {"prefix", above + std::string(prefix)}},
                  .max_response_bytes = 8 << 20};
      if (!token.empty()) call.query.emplace_back("continuation-token", token);
      const S3Answer answer = TRY(client_.send(call));
      if (!answer.ok()) return fail(client_.refused(call, answer.response));
      const XmlElement page = TRY_WHILE("listing " + describe(), parse_xml(answer.response.body));
      if (page.name != "ListBucketResult") return fail(client_.refused(call, answer.response));
      const bool encoded = page.text_of("EncodingType") == "url";
      for (const XmlElement& object : page.children) {
        if (object.name != "Contents") continue;
        std::string key(object.text_of("Key"));
        if (encoded) key = percent_decode(key).value_or(std::string());
        if (!key.starts_with(above)) continue;
        std::string name = key.substr(above.size());
        if (!name.starts_with(prefix) || !check_name(name)) continue;  // not ours
        names.push_back(std::move(name));
        if (names.size() > max_entries)
          return fail_hint(ErrorKind::invalid, "use a prefix of its own for the store",
                           "{} holds more than {} files", describe(), max_entries);
      }
      token = page.text_of("NextContinuationToken");
      if (page.text_of("IsTruncated") != "true" || token.empty()) break;
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<Version> publish(const Publication& publication) override {
    TRY(check_publication(publication));
    const std::string writer = TRY(client_.random_hex(16));
    // What is copied has its digest and takes long: it goes first, and without the lock.
    const auto is_large = [](const File& file) {
      return file.bytes.empty() && (!file.copy_from.empty() || !file.copy_of.empty());
    };
    std::set<std::string_view> unchanged;
    if (publication.pointer) TRY(compare(*publication.pointer, unchanged));
    for (const Pointer& follower : publication.followers) TRY(compare(follower, unchanged));
    const bool moves = (publication.pointer && !unchanged.contains(publication.pointer->name)) ||
                       std::any_of(publication.followers.begin(), publication.followers.end(),
                                   [&](const Pointer& p) { return !unchanged.contains(p.name); });
    if (moves) TRY(check_conditions());
    std::set<std::string_view> earlier;  // small files that a copy takes its content of
    for (const File& file : publication.files) earlier.insert(file.copy_of);
    for (const File& file : publication.files)
      if (is_large(file) || !moves || earlier.contains(file.name))
        TRY_WHILE("writing '" + file.name + "' to " + describe(), put_file(file));
    if (!publication.pointer) return Version();
    const bool small = std::any_of(publication.files.begin(), publication.files.end(),
                                   [&](const File& file) { return !is_large(file); });
    if (!moves || !small) return move_all(publication, writer, unchanged);
    // Two writers may give different bytes to one name (the end of a journal): only who holds the lock
    // writes files that the next pointer names.
    TRY(lock(writer));
    auto moved_all = write_locked(publication, writer, unchanged);
    client_.limit(std::nullopt);
    static_cast<void>(remove_key(client_.key_of(lock_name)).has_value());
    return moved_all;
  }

  Result<Version> write_locked(const Publication& publication, const std::string& writer,
                               std::set<std::string_view>& unchanged) {
    unchanged.clear();
    TRY(compare(*publication.pointer, unchanged));
    for (const Pointer& follower : publication.followers) TRY(compare(follower, unchanged));
    for (const File& file : publication.files)
      if (!file.bytes.empty() || (file.copy_from.empty() && file.copy_of.empty()))
        TRY_WHILE("writing '" + file.name + "' to " + describe(), put_file(file));
    return move_all(publication, writer, unchanged);
  }

  // A lease: whoever died with it is waited for. Its age is told by the server's own clock.
  Result<> lock(const std::string& writer) {
    const std::string key = client_.key_of(lock_name);
    ports::Clock& clock = client_.world().clock;
    const auto give_up = clock.now() + lock_wait;
    for (std::string stale;;) {
      const auto begun = clock.elapsed();
      S3Call call{.method = "PUT", .key = key, .body = writer};
      if (stale.empty())
        call.headers.emplace_back("if-none-match", "*");
      else
        call.headers.emplace_back("if-match", stale);
      const S3Answer answer = TRY(client_.send(call));
      const int status = answer.response.status;
      bool held = answer.ok();
      if (!held && status != 412 && status != 409 && status != 404)
        return fail(client_.refused(call, answer.response));
      if (!held && answer.code() == "NoSuchBucket") return fail(client_.refused(call, answer.response));
      stale.clear();
      if (!held) {
        const S3Call look{.key = key};
        const S3Answer found = TRY(client_.send(look));
        held = found.ok() && found.response.body == writer;  // an answer that got lost
        const auto age = object_age(found.response);
        if (found.ok() && age && *age > lock_lease) stale = found.response.header("etag");
      }
      if (held) {
        client_.limit(begun + lock_hold);
        return {};
      }
      if (!stale.empty()) continue;
      if (clock.now() >= give_up)
        return fail_hint(ErrorKind::conflict, "another tranche process works here: wait for it and run again",
                         "{} is locked", describe());
      const std::string random = TRY(client_.world().random.bytes(1));
      const auto nap = Duration(20 + static_cast<unsigned char>(random[0]));
      if (!clock.sleep_until(clock.now() + nap))
        return fail_hint(ErrorKind::interrupted, "run again", "interrupted while waiting for {}", describe());
    }
  }

  Result<Version> move_all(const Publication& publication, const std::string& writer,
                           const std::set<std::string_view>& unchanged) {
    Version version = TRY(move(*publication.pointer, writer, unchanged));
    for (const Pointer& follower : publication.followers) TRY(move(follower, writer, unchanged));
    return version;
  }

  Result<> remove(std::span<const std::string> names) override {
    for (const std::string& name : names) TRY(check_name(name));
    for (const std::string& name : names) TRY(remove_key(client_.key_of(name)));
    return {};
  }

  [[nodiscard]] std::string describe() const override { return client_.shown(); }

 private:
  [[nodiscard]] Error too_large(std::string_view name, std::uint64_t size, std::size_t max_bytes) const {
    return {ErrorKind::invalid,
            fmt::format("'{}' in {} has {} bytes, more than {}", name, describe(), size, max_bytes),
            "it is no file that tranche wrote there: look at the bucket"};
  }

  Result<> remove_key(const std::string& key) {
    const S3Call call{.method = "DELETE", .key = key};
    const S3Answer answer = TRY(client_.send(call));
    if (answer.ok() || (answer.response.status == 404 && answer.code() != "NoSuchBucket")) return {};
    return fail(client_.refused(call, answer.response));
  }

  Result<std::optional<Stat>> stat_key(const std::string& key, std::uint64_t max_hashed, DigestFrom from) {
    const auto object = TRY(client_.head(key));
    if (!object) return std::optional<Stat>();
    Stat stat{object->size, {}};
    if (object->size > max_hashed) return std::optional(stat);
    stat.sha256 = from == DigestFrom::record && !object->sha256.empty() ? object->sha256
                                                                        : TRY(client_.digest(key, *object));
    return std::optional(std::move(stat));
  }

  // Conflict when somebody moved the pointer; remembers it when it has the wanted bytes already.
  Result<> compare(const Pointer& pointer, std::set<std::string_view>& unchanged) {
    const auto object = TRY(client_.head(client_.key_of(pointer.name)));
    if ((object ? object->etag : std::string()) != pointer.expected.tag)
      return fail(moved(pointer, describe()));
    if (object && object->size == pointer.bytes.size() &&
        object->sha256 == crypto::to_hex(crypto::sha256(pointer.bytes)))
      unchanged.insert(pointer.name);
    return {};
  }

  // A server that ignores conditions would let two writers overwrite each other: it is asked once to write
  // something on a condition that cannot hold.
  Result<> check_conditions() {
    if (conditions_hold_) return {};
    const S3Call call{.method = "PUT",
                      .key = client_.key_of(probe_name),
                      .headers = {{"if-match", "\"00000000000000000000000000000000\""}}};
    const S3Answer answer = TRY(client_.send(call));
    const int status = answer.response.status;
    const bool missing = status == 404 && answer.code() != "NoSuchBucket";
    if (status == 412 || status == 409 || missing) {
      conditions_hold_ = true;
      return {};
    }
    if (!answer.ok()) return fail(client_.refused(call, answer.response));
    static_cast<void>(remove_key(call.key).has_value());
    return fail_hint(ErrorKind::invalid, "use a server that honours If-Match on PUT, or a dir: or git: store",
                     "{} ignores conditions on writes: two writers would overwrite each other", describe());
  }

  static Pairs object_headers(std::string_view name, std::string_view sha256, Caching caching) {
    return {{"cache-control", std::string(cache_control(caching))},
            {"content-type", std::string(content_type(name))},
            {"x-amz-meta-sha256", std::string(sha256)}};
  }

  Result<Version> move(const Pointer& pointer, const std::string& writer,
                       const std::set<std::string_view>& unchanged) {
    if (unchanged.contains(pointer.name)) return pointer.expected;
    const std::string sha256 = crypto::to_hex(crypto::sha256(pointer.bytes));
    S3Call call{.method = "PUT",
                .key = client_.key_of(pointer.name),
                .headers = object_headers(pointer.name, sha256, Caching::revalidate),
                .body = pointer.bytes,
                .body_sha256 = sha256};
    call.headers.emplace_back("x-amz-meta-tranche-writer", writer);
    if (pointer.expected.absent())
      call.headers.emplace_back("if-none-match", "*");
    else
      call.headers.emplace_back("if-match", pointer.expected.tag);
    const S3Answer answer = TRY_WHILE("writing '" + pointer.name + "' to " + describe(), client_.send(call));
    const int status = answer.response.status;
    const bool refused = status == 412 || status == 409 ||
                         (status == 404 && !pointer.expected.absent() && answer.code() != "NoSuchBucket");
    if (!refused && !answer.ok()) return fail(client_.refused(call, answer.response));
    if (!refused && !answer.response.header("etag").empty())
      return Version{std::string(answer.response.header("etag"))};
    if (refused && !answer.repeated) return fail(moved(pointer, describe()));
    const auto object = TRY(client_.head(call.key));
    if (!object || object->writer != writer || object->sha256 != sha256)
      return fail(moved(pointer, describe()));
    return Version{object->etag};
  }

  Result<bool> holds(const std::string& key, std::uint64_t size, std::string_view sha256) {
    const auto held = TRY(stat_key(key, size, DigestFrom::record));
    return held && held->size == size && held->sha256 == sha256;
  }

  Result<> put_file(const File& file) {
    if (!file.copy_of.empty()) return copy_stored(file);
    if (!file.copy_from.empty()) return put_local(file);
    const std::string sha256 = crypto::to_hex(crypto::sha256(file.bytes));
    if (!file.sha256.empty() && lower(file.sha256) != sha256) return fail(other_bytes(file, sha256));
    const std::string key = client_.key_of(file.name);
    if (TRY(holds(key, file.bytes.size(), sha256))) return {};
    return put_bytes(key, file, file.bytes, sha256, file.caching);
  }

  Result<> put_bytes(const std::string& key, const File& file, std::string bytes, const std::string& sha256,
                     Caching caching) {
    const S3Call call{.method = "PUT",
                      .key = key,
                      .headers = object_headers(file.name, sha256, caching),
                      .body = std::move(bytes),
                      .body_sha256 = sha256};
    const S3Answer answer = TRY(client_.send(call));
    if (!answer.ok()) return fail(client_.refused(call, answer.response));
    return {};
  }

  Result<> put_local(const File& file) {
    ports::Files& files = client_.world().files;
    const std::string key = client_.key_of(file.name);
    const Caching caching = file.caching == Caching::by_kind ? Caching::immutable : file.caching;
    if (!file.sha256.empty()) {  // what is there by its digest needs no local file
      const auto held = TRY(stat_key(key, ~std::uint64_t{0}, DigestFrom::record));
      if (held && held->sha256 == lower(file.sha256)) return {};
    }
    const auto info = TRY(files.info(TRY(files.real_path(file.copy_from))));
    if (!info || info->kind != ports::FileInfo::Kind::file)
      return fail_hint(ErrorKind::failed, "check the path", "'{}' is no file", printable(file.copy_from));
    if (info->size <= s3_part_bytes) {
      auto bytes = TRY(files.read(file.copy_from, s3_part_bytes));
      if (!bytes)
        return fail_hint(ErrorKind::failed, "check the path", "'{}' is not there", printable(file.copy_from));
      const std::string sha256 = crypto::to_hex(crypto::sha256(*bytes));
      if (!file.sha256.empty() && sha256 != lower(file.sha256)) return fail(other_bytes(file, sha256));
      if (file.sha256.empty() && TRY(holds(key, bytes->size(), sha256))) return {};
      return put_bytes(key, file, std::move(*bytes), sha256, caching);
    }
    std::string sha256 = lower(file.sha256);
    if (sha256.empty()) {
      sha256 = TRY(digest_local(file.copy_from));
      if (TRY(holds(key, info->size, sha256))) return {};
    }
    return upload_parts(
        client_, {key, file.copy_from, info->size, sha256, object_headers(file.name, sha256, caching)}, file);
  }

  Result<std::string> digest_local(const std::string& path) {
    const auto reader = TRY(client_.world().files.open(path));
    crypto::Sha256 hash;
    std::string piece(256 * 1024, '\0');
    while (const auto got = TRY(reader->read(piece.data(), piece.size())))
      hash.update(std::string_view(piece).substr(0, got));
    return crypto::to_hex(hash.finish());
  }

  Result<> copy_stored(const File& file) {
    const std::string from = client_.key_of(file.copy_of);
    const auto source = TRY(stat_key(from, ~std::uint64_t{0}, DigestFrom::record));
    if (!source)
      return fail_hint(ErrorKind::failed, "publish it first", "'{}' is not in {}", file.copy_of, describe());
    if (!file.sha256.empty() && source->sha256 != lower(file.sha256))
      return fail(other_bytes(file, source->sha256));
    if (source->size > largest_copy)
      return fail_hint(ErrorKind::invalid, "leave it out there", "'{}' is too large for a second name in {}",
                       file.copy_of, describe());
    const std::string key = client_.key_of(file.name);
    if (TRY(holds(key, source->size, source->sha256))) return {};
    const Caching caching = file.caching == Caching::by_kind ? Caching::immutable : file.caching;
    S3Call call{.method = "PUT", .key = key, .headers = object_headers(file.name, source->sha256, caching)};
    call.headers.emplace_back("x-amz-copy-source", encode_path("/" + client_.options().bucket + "/" + from));
    call.headers.emplace_back("x-amz-metadata-directive", "REPLACE");
    const S3Answer answer = TRY(client_.send(call));
    const auto document = parse_xml(answer.response.body);  // may say 200 first and find an error later
    if (!answer.ok() || !document || document->name != "CopyObjectResult")
      return fail(client_.refused(call, answer.response));
    return {};
  }

  S3Client client_;
  bool conditions_hold_ = false;
};

}  // namespace

Result<std::unique_ptr<Store>> open_s3(ports::World& world, S3Options options) {
  return std::unique_ptr<Store>(std::make_unique<S3Store>(TRY(S3Client::make(world, std::move(options)))));
}

}  // namespace tranche::store
