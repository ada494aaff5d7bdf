// Buckets: `s3: { bucket, prefix, region, ... }` of a store or of the state; "s3://BUCKET/PREFIX" when all
// else is usual.
#include <algorithm>

#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

// As written: the place in the bucket beside how the bucket is reached.
struct Bucket {
  std::string bucket, prefix;
  std::string region = S3{}.region, endpoint;
  bool path_style = false;
  std::string access_key = S3{}.access_key, secret_key = S3{}.secret_key, session_token;
};

constexpr std::string_view bucket_pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$";
constexpr std::string_view prefix_pattern = "^[A-Za-z0-9._~+@=-]+(/[A-Za-z0-9._~+@=-]+)*$";
constexpr std::string_view region_pattern = "^[a-z0-9-]{1,64}$";

bool is_small(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Result<> check_bucket(std::string_view name) {
  const bool good =
      name.size() >= 3 && name.size() <= 63 && is_small(name.front()) && is_small(name.back()) &&
      name.find("..") == std::string_view::npos &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_small(c) || c == '-' || c == '.'; });
  if (good) return {};
  return fail_hint(ErrorKind::invalid, "3 to 63 of a-z, 0-9, - and .", "'{}' is no name of a bucket",
                   printable(name, 80));
}

Result<> check_prefix(std::string_view prefix) {
  bool good = !prefix.empty() && prefix.size() <= 512;
  for (const std::string_view segment : split(prefix, '/'))
    good = good && !segment.empty() && segment != "." && segment != ".." &&
           std::all_of(segment.begin(), segment.end(), [](char c) {
             return is_small(c) || (c >= 'A' && c <= 'Z') || std::string_view("._~+@=-").contains(c);
           });
  if (good) return {};
  return fail_hint(ErrorKind::invalid, "write it like updates/stable", "'{}' is no prefix of names",
                   printable(prefix, 80));
}

Result<> check_region(std::string_view region) {
  if (!region.empty() && region.size() <= 64 &&
      std::all_of(region.begin(), region.end(), [](char c) { return is_small(c) || c == '-'; }))
    return {};
  return fail_hint(ErrorKind::invalid, "write it like eu-central-1", "'{}' is no region",
                   printable(region, 80));
}

const Table<Bucket>& bucket_table() {
  static const Table<Bucket> table{
      "s3",
      "A bucket, or the part of one below a prefix.",
      {field("bucket", &Bucket::bucket, text({"a bucket", check_bucket, std::string(bucket_pattern)}),
             "its name")
           .must(),
       field("prefix", &Bucket::prefix, text({"a prefix", check_prefix, std::string(prefix_pattern)}),
             "all names lie below it"),
       field("region", &Bucket::region, text({"a region", check_region, std::string(region_pattern)}),
             "of the bucket"),
       field("endpoint", &Bucket::endpoint, text({"an address", check_http_url, "^https?://"}),
             "of a server that is not AWS's: https://HOST or https://HOST:PORT"),
       field("path-style", &Bucket::path_style, boolean(),
             "https://HOST/BUCKET/NAME instead of https://BUCKET.HOST/NAME"),
       field("access-key", &Bucket::access_key, secret_reference(), "id of the key"),
       field("secret-key", &Bucket::secret_key, secret_reference(), "the key"),
       field("session-token", &Bucket::session_token, secret_reference(), "of temporary credentials")},
      {}};
  return table;
}

bool is_usual(const S3& s3) {
  const S3 usual;
  return s3.region == usual.region && s3.endpoint.empty() && !s3.path_style &&
         s3.access_key == usual.access_key && s3.secret_key == usual.secret_key && s3.session_token.empty();
}

}  // namespace

void read_s3(const Value& value, std::string& path, S3& s3, Reader& reader) {
  Bucket read;
  reader.where.emplace_back("s3");
  bucket_table().read(value, read, reader, value.place);
  reader.where.pop_back();
  path = read.bucket + (read.prefix.empty() ? "" : "/" + read.prefix);
  s3 = {read.region, read.endpoint, read.path_style, read.access_key, read.secret_key, read.session_token};
}

Value write_s3(const std::string& path, const S3& s3) {
  if (is_usual(s3)) return Value("s3://" + path);
  const auto slash = path.find('/');
  Bucket out{path.substr(0, slash),
             slash == std::string::npos ? std::string() : path.substr(slash + 1),
             s3.region,
             s3.endpoint,
             s3.path_style,
             s3.access_key,
             s3.secret_key,
             s3.session_token};
  return Value::object({{"s3", bucket_table().write(out)}});
}

Value s3_schema(SchemaBook& book) {
  Value out = Value::object({{"type", "object"}});
  out.set("properties", Value::object({{"s3", record<Bucket>(bucket_table).schema(book)}}));
  out.set("required", Value(doc::Array{Value("s3")}));
  out.set("additionalProperties", false);
  return out;
}

}  // namespace tranche::spec
