// Apple's notary service by its REST API, from any machine: developer.apple.com, "Submitting software for
// notarization over the web" and "Notary API".
//
//   POST /notary/v2/submissions {submissionName, sha256} → id, and S3 credentials for some hours
//   PUT  the file to that bucket and object, in us-west-2
//   GET  /notary/v2/submissions/ID       → status: In Progress, Accepted, Invalid, Rejected
//   GET  /notary/v2/submissions/ID/logs  → developerLogUrl, fetched without our token
//
// Every request carries a token of its own (JWT, ES256) that lives ten minutes; the service takes twenty at
// most.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "crypto/signer.hpp"
#include "ports/ports.hpp"

namespace tranche::platform {

struct NotaryAccount {
  std::string key_id;  // of the App Store Connect API key: "2X9R4HXF34"
  std::string issuer;  // a UUID
};

// header.payload.signature. kind invalid: the key is not on P-256, or the account is not whole.
Result<Secret> make_notary_token(crypto::Signer& signer, const NotaryAccount& account, Instant now);

struct NotaryOptions {
  NotaryAccount account;
  std::string service = "https://appstoreconnect.apple.com";
  std::string s3_endpoint;  // empty: Amazon's own
  Duration patience = std::chrono::hours(1);
};

enum class NotaryStatus { in_progress, accepted, invalid, rejected };
std::string_view to_text(NotaryStatus status);  // Apple's words

// A line of Apple's log.
struct NotaryIssue {
  std::string severity;  // "error", "warning"
  std::string path;      // inside the file
  std::string message;
};

struct Notarization {
  std::string id;
  NotaryStatus status = NotaryStatus::in_progress;
  std::string log;                  // JSON as the service has it; empty while in progress
  std::string log_flaw;             // why there is no log, when there is none
  std::vector<NotaryIssue> issues;  // the log's, at most a hundred
  bool resumed = false;             // an earlier run had sent the file
};

// The submission that a run would carry on with; empty: it would send the file.
Result<std::string> find_submission(ports::Files& files, const std::string& path, const std::string& state);

// Sends the file (zip, dmg or pkg), waits and fetches the log. `state`: a file that remembers the submission;
// a later run over the same bytes carries on with it, and does not send them again. Credentials are never
// kept: a run that was killed while sending begins anew, since what it left was never whole. in_progress when
// the patience ended. kind denied: the service refuses the key; kind failed: it does not answer.
Result<Notarization> notarize(ports::World& world, crypto::Signer& signer, const NotaryOptions& options,
                              const std::string& path, const std::string& state);

}  // namespace tranche::platform
