#include "store/append_log.hpp"

#include <cstring>

namespace tranche::store {

namespace {

constexpr std::string_view magic = "tranche-log/1\n\n\n";
constexpr std::size_t record_head_bytes = 4 + 32;
constexpr std::uint32_t max_files = 1'000;
static_assert(magic.size() + 8 == log_header_bytes);

template <class T>
void put(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(number >> 8 * i & 0xff);
}
void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Takes from the front; false and nothing taken when there is too little.
class Cutter {
 public:
  explicit Cutter(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  bool number(T& into) {
    if (bytes_.size() < sizeof(T)) return false;
    into = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      into |= static_cast<T>(static_cast<T>(static_cast<std::uint8_t>(bytes_[i])) << 8 * i);
    bytes_.remove_prefix(sizeof(T));
    return true;
  }
  bool text(std::string& into) {
    std::uint32_t size = 0;
    if (!number(size) || bytes_.size() < size) return false;
    into = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

std::string header(std::uint64_t generation) {
  std::string bytes(magic);
  put(bytes, generation);
  return bytes;
}

crypto::Sha256Digest digest_after(const crypto::Sha256Digest& before, std::string_view body) {
  return crypto::Sha256().update(crypto::as_bytes(before)).update(body).finish();
}

std::optional<std::uint64_t> generation_of(std::string_view bytes) {
  std::uint64_t generation = 0;
  if (!bytes.starts_with(magic) || !Cutter(bytes.substr(magic.size())).number(generation))
    return std::nullopt;
  return generation;
}

}  // namespace

std::string to_bytes(const LogRecord& record) {
  std::string body;
  put_text(body, record.expected.tag);
  put_text(body, record.pointer);
  put(body, static_cast<std::uint32_t>(record.files.size()));
  for (const LogFile& file : record.files) {
    put_text(body, file.name);
    put_text(body, file.base);
    put(body, file.base_bytes);
    put_text(body, file.rest);
  }
  return body;
}

std::optional<LogRecord> log_record_from(std::string_view body) {
  Cutter cutter(body);
  LogRecord record;
  std::uint32_t files = 0;
  if (!cutter.text(record.expected.tag) || !cutter.text(record.pointer) || !cutter.number(files) ||
      files > max_files)
    return std::nullopt;
  for (std::uint32_t i = 0; i < files; ++i) {
    LogFile file;
    if (!cutter.text(file.name) || !cutter.text(file.base) || !cutter.number(file.base_bytes) ||
        !cutter.text(file.rest) || !check_name(file.name) || (!file.base.empty() && !check_name(file.base)))
      return std::nullopt;
    record.files.push_back(std::move(file));
  }
  if (!cutter.at_end()) return std::nullopt;
  return record;
}

Result<std::uint64_t> read_generation(ports::Slab& slab) {
  if (slab.size() != log_bytes) return std::uint64_t{0};
  return generation_of(TRY(slab.read(0, log_header_bytes))).value_or(0);
}

Result<LogContents> read_log(ports::Slab& slab) {
  LogContents contents;
  if (slab.size() != log_bytes) return contents;
  // Most logs are empty: the first page tells.
  std::string bytes = TRY(slab.read(0, 4096));
  const auto generation = generation_of(bytes);
  if (!generation) return contents;
  LogEnd& end = contents.end;
  end.generation = *generation;
  end.digest = crypto::sha256(header(*generation));
  bool all = false;
  while (end.offset + record_head_bytes <= log_bytes) {
    std::uint32_t size = 0;
    if (bytes.size() >= end.offset + record_head_bytes)
      Cutter(std::string_view(bytes).substr(end.offset)).number(size);
    if (bytes.size() < end.offset + record_head_bytes + size && !all) {
      bytes = TRY(slab.read(0, log_bytes));
      if (generation_of(bytes) != generation) return contents;  // it was begun anew meanwhile
      all = true;
      continue;
    }
    if (bytes.size() < end.offset + record_head_bytes + size) break;
    const auto head = std::string_view(bytes).substr(end.offset, record_head_bytes);
    const auto body = std::string_view(bytes).substr(end.offset + record_head_bytes, size);
    const auto digest = digest_after(end.digest, body);
    if (head.substr(4) != crypto::as_bytes(digest)) break;
    auto record = log_record_from(body);
    if (!record) break;
    contents.records.push_back(std::move(*record));
    end.offset += record_head_bytes + size;
    end.digest = digest;
  }
  return contents;
}

Result<LogEnd> begin_log(ports::Slab& slab, std::uint64_t generation) {
  const std::string bytes = header(generation);
  TRY(slab.write(0, bytes, false));
  return LogEnd{generation, log_header_bytes, crypto::sha256(bytes)};
}

Result<bool> append_record(ports::Slab& slab, LogEnd& end, std::string_view body) {
  if (body.size() > log_bytes || end.offset + record_head_bytes + body.size() > slab.size()) return false;
  const auto digest = digest_after(end.digest, body);
  std::string record;
  record.reserve(record_head_bytes + body.size());
  put(record, static_cast<std::uint32_t>(body.size()));
  record += crypto::as_bytes(digest);
  record += body;
  TRY(slab.write(end.offset, record, true));
  end.offset += record.size();
  end.digest = digest;
  return true;
}

}  // namespace tranche::store
