#include "store/s3_sign.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/hmac.hpp"

namespace tranche::store {
namespace {

// Blanks at the ends go, and runs of them inside become one.
std::string plain_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value))
    if (c != ' ' || !out.ends_with(' ')) out.push_back(c);
  return out;
}

struct Canonical {
  std::string text;            // of the request
  std::string signed_headers;  // names joined by ';'
};

Canonical canonical(const SignedRequest& request, const S3Keys& keys, Instant when) {
  Pairs headers = request.headers;
  headers.emplace_back("host", request.host);
  headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  headers.emplace_back("x-amz-date", amz_date(when));
  if (!keys.session_token.empty())
    headers.emplace_back("x-amz-security-token", std::string(keys.session_token.expose()));
  std::sort(headers.begin(), headers.end());
  Canonical out;
  std::string lines;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + plain_value(value) + "\n";
    out.signed_headers += (out.signed_headers.empty() ? "" : ";") + name;
  }
  out.text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, encode_query(request.query),
                         lines, out.signed_headers, request.payload_sha256);
  return out;
}

}  // namespace

std::string encode_path(std::string_view path) {
  std::string out;
  for (const std::string_view segment : split(path, '/')) {
    if (!out.empty() || segment.data() != path.data()) out.push_back('/');
    out += percent_encode(segment);
  }
  return out;
}

std::string encode_query(Pairs query) {
  for (auto& [name, value] : query) {
    name = percent_encode(name);
    value = percent_encode(value);
  }
  std::sort(query.begin(), query.end());
  std::string out;
  for (const auto& [name, value] : query) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string amz_date(Instant when) {
  std::string text = to_text(std::chrono::floor<std::chrono::seconds>(when));  // 2013-05-24T00:00:00Z
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string canonical_request(const SignedRequest& request, const S3Keys& keys, Instant when) {
  return canonical(request, keys, when).text;
}

Secret authorization(const SignedRequest& request, const S3Keys& keys, std::string_view region,
                     Instant when) {
  const std::string date = amz_date(when);
  const std::string day = date.substr(0, 8);
  const std::string scope = fmt::format("{}/{}/s3/aws4_request", day, region);
  const Canonical signing = canonical(request, keys, when);
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope, crypto::to_hex(crypto::sha256(signing.text)));
  const Secret first("AWS4" + std::string(keys.secret_key.expose()));
  crypto::Sha256Digest key = crypto::hmac_sha256(first.expose(), day);
  for (const std::string_view step : {region, std::string_view("s3"), std::string_view("aws4_request")})
    key = crypto::hmac_sha256(crypto::as_bytes(key), step);
  const auto signature = crypto::hmac_sha256(crypto::as_bytes(key), to_sign);
  return Secret(fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                            keys.access_key, scope, signing.signed_headers, crypto::to_hex(signature)));
}

}  // namespace tranche::store
