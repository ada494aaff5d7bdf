// tests/support/s3_server.py as a child of the test: a loopback S3 of ours that enforces SigV4 (recomputed by
// botocore) and conditional writes.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/script_server.hpp"

namespace tranche::support {

struct S3Server {
  static constexpr const char* access_key = "TRANCHETESTKEY";
  static constexpr const char* secret_key = "tranche/test+secret";
  static constexpr const char* region = "eu-central-1";

  ScriptServer script{"s3_server.py", {access_key, secret_key, region}};

  // "127.0.0.1" for path style, "localhost" for buckets in the host's name.
  [[nodiscard]] std::string endpoint(const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + script.port();
  }
  void command(const std::string& line) { REQUIRE(script.command(line) == "ok"); }
  // Bytes of object content that were received since the last question.
  std::uint64_t received() { return std::stoull(script.command("received")); }
  std::uint64_t requests() { return std::stoull(script.command("requests")); }

  // botocore is there; else says so, and fails where peers are required.
  static bool available() {
    static const bool found = std::system("python3 -c 'import botocore' >/dev/null 2>&1") == 0;
    if (found) return true;
    std::puts("skipped: botocore is missing (apt-get install python3-botocore)");
    if (std::getenv("TRANCHE_REQUIRE_PEERS") != nullptr) FAIL("python3-botocore is required");
    return false;
  }
};

}  // namespace tranche::support
