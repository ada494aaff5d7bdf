#include "sigstore/trusted_root.hpp"

#include <doctest/doctest.h>

#include "sigstore/log_testing.hpp"

using namespace tranche;
using namespace tranche::sigstore;

TEST_CASE("a trusted root is outdated when the last of its logs, or of its authorities, has ended") {
  const auto at = [](std::string_view text) { return *parse_instant(text); };
  const Instant now = at("2026-01-01T00:00:00Z");
  const TestLog log;
  TransparencyLog ended = log.trusted();
  ended.validity.until = at("2025-12-31T23:59:59Z");
  TransparencyLog ending = log.trusted();
  ending.validity.until = now;
  CHECK_FALSE(is_outdated({}, now));
  CHECK_FALSE(is_outdated({.logs = {log.trusted()}}, now));
  CHECK_FALSE(is_outdated({.logs = {ending}}, now));
  CHECK_FALSE(is_outdated({.logs = {ended, log.trusted()}}, now));
  CHECK(is_outdated({.logs = {ended, ended}}, now));
  CertificateAuthority over;
  over.validity.until = ended.validity.until;
  CHECK(is_outdated({.logs = {log.trusted()}, .authorities = {over}}, now));
  CHECK_FALSE(is_outdated({.logs = {log.trusted()}, .authorities = {over, {}}}, now));
}
