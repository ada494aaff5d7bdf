// The examples of "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference.
#include "store/s3_sign.hpp"

#include <doctest/doctest.h>

#include "crypto/digest.hpp"

using namespace tranche;
using namespace tranche::store;

namespace {

const S3Keys example_keys{"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), {}};
const Instant example_time = *parse_instant("2013-05-24T00:00:00Z");
const std::string no_payload = crypto::to_hex(crypto::sha256(""));

std::string signature_of(const SignedRequest& request) {
  const Secret header = authorization(request, example_keys, "us-east-1", example_time);
  const std::string text(header.expose());
  CHECK(text.starts_with(
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "));
  return text.substr(text.find("Signature=") + 10);
}

}  // namespace

TEST_CASE("SigV4 signs as the S3 reference's examples are signed") {
  const std::string host = "examplebucket.s3.amazonaws.com";
  CHECK(signature_of({"GET", host, "/test.txt", {}, {{"range", "bytes=0-9"}}, no_payload}) ==
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  CHECK(signature_of(
            {"PUT",
             host,
             encode_path("/test$file.text"),
             {},
             {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
             crypto::to_hex(crypto::sha256("Welcome to Amazon S3."))}) ==
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  CHECK(signature_of({"GET", host, "/", {{"lifecycle", ""}}, {}, no_payload}) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  CHECK(signature_of({"GET", host, "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, no_payload}) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("paths and queries are encoded once, and sorted after that") {
  CHECK(encode_path("/bucket/a b/~x/1.0+2@=/%41") == "/bucket/a%20b/~x/1.0%2B2%40%3D/%2541");
  CHECK(encode_path("/") == "/");
  CHECK(encode_query({{"b", "2"}, {"a", "x/y z"}, {"a!", "1"}, {"uploads", ""}}) ==
        "a=x%2Fy%20z&a%21=1&b=2&uploads=");
  CHECK(amz_date(*parse_instant("2026-01-02T03:04:05.678Z")) == "20260102T030405Z");
}

TEST_CASE("the session token is signed and header values lose their spare blanks") {
  S3Keys keys = example_keys;
  keys.session_token = Secret("token");
  const std::string text = canonical_request(
      {"GET", "h", "/", {}, {{"x-amz-meta-a", "  one   two "}}, no_payload}, keys, example_time);
  CHECK(text == "GET\n/\n\nhost:h\nx-amz-content-sha256:" + no_payload +
                    "\nx-amz-date:20130524T000000Z\nx-amz-meta-a:one two\nx-amz-security-token:token\n\n"
                    "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token\n" +
                    no_payload);
}
