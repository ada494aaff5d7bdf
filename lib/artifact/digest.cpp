// Digests of files: read() into 256 KiB buffers beats mmap, and a thread a core beats one (measured: two
// files on two cores take the time of one).
#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/hash.hpp"

namespace tranche::artifact {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

Result<Digested> digest_with(ports::Files& files, const std::string& path, std::string& buffer,
                             bool with_sha512 = false) {
  const auto reader = TRY(files.open(path));
  crypto::Sha256 digest;
  std::optional<crypto::Hash> longer;
  if (with_sha512) longer.emplace(crypto::HashKind::sha512);
  Digested result;
  while (true) {
    const std::size_t got = TRY(reader->read(buffer.data(), buffer.size()));
    if (got == 0) break;
    const std::string_view piece = std::string_view(buffer).substr(0, got);
    digest.update(piece);
    if (longer) longer->update(piece);
    result.size += got;
  }
  result.sha256 = crypto::to_hex(digest.finish());
  if (longer) result.sha512 = to_hex(longer->finish());
  return result;
}

}  // namespace

Result<Digested> digest_file(ports::Files& files, const std::string& path) {
  std::string buffer(piece_bytes, '\0');
  return digest_with(files, path, buffer);
}

Result<std::vector<Digested>> digest_files(ports::Files& files, const std::vector<std::string>& paths,
                                           unsigned threads, const std::vector<bool>& with_sha512) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  threads = static_cast<unsigned>(std::min<std::size_t>({threads, paths.size(), 32}));
  std::vector<Digested> results(paths.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> error;
  std::size_t error_at = paths.size();
  const auto work = [&] {
    std::string buffer(piece_bytes, '\0');
    for (std::size_t i = next++; i < paths.size() && !failed; i = next++) {
      auto digested = digest_with(files, paths[i], buffer, i < with_sha512.size() && with_sha512[i]);
      if (digested) {
        results[i] = std::move(*digested);
        continue;
      }
      failed = true;
      const std::lock_guard guard(mutex);
      if (i >= error_at) continue;
      error_at = i;
      error = std::move(digested.error()).during("hashing " + printable(paths[i]));
    }
  };
  if (threads > 1) {
    std::vector<std::jthread> pool;
    for (unsigned i = 1; i < threads; ++i) pool.emplace_back(work);
    work();
  } else {
    work();
  }
  if (error) return fail(std::move(*error));
  return results;
}

}  // namespace tranche::artifact
