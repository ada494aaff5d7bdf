#include "store/git_loose.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/encoding.hpp"
#include "ports/first_use.hpp"

namespace tranche::store {
namespace {

constexpr std::size_t max_object_bytes = std::size_t{256} << 20;
constexpr int asked_first = 1000;  // libgit2's own have 1 and 2

// zlib.h: the same since 1.2.9. With too little room it fills what there is.
int (*uncompress)(unsigned char*, unsigned long*, const unsigned char*, unsigned long) = nullptr;
constexpr int z_ok = 0, z_buf_error = -5;

struct Loose {
  git_odb_backend head;  // first: libgit2 knows it by this address
  std::string directory;
};

int broken(const git_oid& id, const char* why) {
  const std::string words = fmt::format("the loose object {} {}",
                                        to_hex({reinterpret_cast<const char*>(id.id), sizeof id.id}), why);
  git2().error_set_str(GIT_ERROR_ODB, words.c_str());
  return -1;
}

// nullopt: there is none.
std::optional<std::string> read_whole(const std::string& path, bool& failed) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  failed = fd < 0 && errno != ENOENT && errno != ENOTDIR;
  if (fd < 0) return std::nullopt;
  struct stat status{};
  failed = fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
           static_cast<std::size_t>(status.st_size) > max_object_bytes;
  std::string bytes(failed ? 0 : static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (!failed && have < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    failed = got < 0;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  close(fd);
  if (failed) return std::nullopt;
  bytes.resize(have);
  return bytes;
}

// "blob 123\0": its type, the size of what follows, and its own length.
struct Header {
  git_object_t type;
  std::size_t size, length;
};
std::optional<Header> read_header(std::string_view text) {
  const auto end = text.find('\0'), blank = text.find(' ');
  if (end == std::string_view::npos || blank == std::string_view::npos || blank > end) return std::nullopt;
  Header header{GIT_OBJECT_INVALID, 0, end + 1};
  const std::string_view name = text.substr(0, blank);
  if (name == "blob") header.type = GIT_OBJECT_BLOB;
  if (name == "tree") header.type = GIT_OBJECT_TREE;
  if (name == "commit") header.type = GIT_OBJECT_COMMIT;
  if (name == "tag") header.type = GIT_OBJECT_TAG;
  const char* last = text.data() + end;
  const auto [stopped, code] = std::from_chars(text.data() + blank + 1, last, header.size);
  if (code != std::errc{} || stopped != last || header.type == GIT_OBJECT_INVALID) return std::nullopt;
  return header;
}

int read_object(void** out, size_t* size, git_object_t* type, git_odb_backend* backend, const git_oid* id) {
  const std::string hex = to_hex({reinterpret_cast<const char*>(id->id), sizeof id->id});
  bool failed = false;
  const auto packed = read_whole(
      reinterpret_cast<Loose*>(backend)->directory + "/" + hex.substr(0, 2) + "/" + hex.substr(2), failed);
  if (failed) return broken(*id, "cannot be read");
  if (!packed) return GIT_ENOTFOUND;
  const auto* bytes = reinterpret_cast<const unsigned char*>(packed->data());
  std::array<unsigned char, 64> start{};
  unsigned long length = start.size();
  if (const int code = uncompress(start.data(), &length, bytes, packed->size());
      code != z_ok && code != z_buf_error)
    return broken(*id, "was changed");
  const auto header = read_header({reinterpret_cast<const char*>(start.data()), length});
  if (!header) return broken(*id, "is torn or was changed");
  if (header->size > max_object_bytes) return broken(*id, "is too large");
  std::string whole(header->length + header->size, '\0');
  length = whole.size();
  if (uncompress(reinterpret_cast<unsigned char*>(whole.data()), &length, bytes, packed->size()) != z_ok ||
      length != whole.size())
    return broken(*id, "is torn or was changed");
  // libgit2 reads one byte behind the end as text's terminator.
  *out = git2().odb_backend_data_alloc(backend, header->size + 1);
  if (*out == nullptr) return -1;
  std::memcpy(*out, whole.data() + header->length, header->size);
  static_cast<char*>(*out)[header->size] = '\0';
  *size = header->size;
  *type = header->type;
  return 0;
}

void free_backend(git_odb_backend* backend) { delete reinterpret_cast<Loose*>(backend); }

}  // namespace

Result<> read_loose_safely(git_repository* repository) {
  if (uncompress == nullptr) {
    static ports::Library library("libz.so.1", "zlib1g");
    TRY(library.load(uncompress, "uncompress"));
  }
  const auto odb = TRY(owned<git_odb>("read the objects of the git repository",
                                      [&](git_odb** out) { return git2().repository_odb(out, repository); }));
  auto loose = std::make_unique<Loose>();
  loose->directory = git2().repository_commondir(repository) + std::string("objects");
  if (git2().odb_init_backend(&loose->head, GIT_ODB_BACKEND_VERSION) < 0)
    return fail(git_error_of("read loose objects"));
  loose->head.read = read_object;
  loose->head.free = free_backend;
  if (git2().odb_add_backend(odb.get(), &loose->head, asked_first) < 0)
    return fail(git_error_of("read loose objects"));
  static_cast<void>(loose.release());  // the odb frees it
  return {};
}

}  // namespace tranche::store
