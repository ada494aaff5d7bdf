#include "journal/memory.hpp"

#include "base/text.hpp"

namespace tranche::journal {

Result<std::optional<Checkpoint>> read_memory(ports::Files& files, const std::string& path,
                                              const std::string& origin) {
  if (path.empty()) return std::optional<Checkpoint>();
  const auto text = TRY(files.read(path, max_checkpoint_bytes));
  if (!text) return std::optional<Checkpoint>();
  auto checkpoint = parse_checkpoint(*text);
  if (!checkpoint)
    return fail_hint(ErrorKind::verification, "check the journal against a copy, then remove this file",
                     "the remembered checkpoint {} is broken: {}", path, checkpoint.error().message);
  if (checkpoint->origin != origin)
    return fail_hint(ErrorKind::verification, "use another cache directory for each application",
                     "{} remembers the journal of '{}', not of '{}'", path, printable(checkpoint->origin),
                     origin);
  return std::optional<Checkpoint>(std::move(*checkpoint));
}

Result<> write_memory(ports::Files& files, const std::string& path, const Checkpoint& checkpoint) {
  if (path.empty()) return {};
  if (const auto slash = path.rfind('/'); slash != std::string::npos && slash > 0)
    TRY(files.make_directories(path.substr(0, slash)));
  const auto lock = TRY(files.lock(path + ".lock", std::chrono::seconds(10)));
  const auto before = TRY(read_memory(files, path, checkpoint.origin));
  if (before && before->size >= checkpoint.size) return {};
  return files.write(path, to_text(checkpoint), 0600);
}

}  // namespace tranche::journal
