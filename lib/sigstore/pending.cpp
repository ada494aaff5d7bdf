#include "sigstore/pending.hpp"

#include "doc/value.hpp"

namespace tranche::sigstore {

namespace {

constexpr std::string_view schema = "tranche/sign-pending/v1";
constexpr std::size_t max_pending_bytes = 2 * max_bundle_bytes;

std::optional<Pending> parse_pending(std::string_view text) {
  const auto json =
      doc::parse_json(text, "<pending>", {.max_bytes = max_pending_bytes, .max_depth = 4, .max_nodes = 16});
  if (!json || !json->is_object()) return std::nullopt;
  const auto is = json->text("schema");
  const auto about = json->text("about");
  const auto bundle = json->text("bundle");
  if (!is || *is != schema || !about || !bundle) return std::nullopt;
  auto read = parse_bundle(*bundle);
  if (!read || !read->entries.empty()) return std::nullopt;
  return Pending{*about, std::move(*read)};
}

}  // namespace

Result<> write_pending(ports::Files& files, const std::string& path, const Pending& pending) {
  const doc::Value json =
      doc::Value::object({{"schema", schema}, {"about", pending.about}, {"bundle", to_json(pending.bundle)}});
  return files.write(path, doc::to_json(json) + "\n", 0600);
}

Result<std::optional<Pending>> read_pending(ports::Files& files, const std::string& path) {
  if (!TRY(files.info(path))) return std::nullopt;
  const auto text = files.read(path, max_pending_bytes);
  if (!text || !*text) return std::nullopt;
  return parse_pending(**text);
}

}  // namespace tranche::sigstore
