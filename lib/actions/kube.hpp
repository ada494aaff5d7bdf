// The API server of a Kubernetes cluster, over HTTP: no kubectl, no client library.
//
// How to reach it comes from one place and is never mixed (a token must not go to a server that somebody else
// wrote beside it): `server` with `token` and `ca`; a kubeconfig; the pod that this runs in; else the user's
// kubeconfig. Programs that a kubeconfig would run to get a token are refused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"

namespace tranche::actions {

// As tranche.yaml has it; what is empty is looked for.
struct ClusterOptions {
  std::string server;               // url
  std::string token;                // secret reference
  std::string ca;                   // path of a PEM file, relative to the repository
  std::string kubeconfig, context;  // path (relative to the repository, or absolute), a context of it
  std::string space;                // namespace
};

// Where the API server is, and how it is talked to.
struct ClusterAccess {
  std::string server;  // without '/' at the end
  std::string space = "default";
  std::string authorities;  // PEM; empty: the system's
  Secret token;             // or empty
  std::string client_certificate;
  Secret client_key;
};
// kind invalid: what cannot be used (exec plugins, insecure-skip-tls-verify, ...), with the words to write
// instead. kind denied: a token that would cross the network in clear.
Result<ClusterAccess> find_cluster(ports::World& world, const std::string& repository,
                                   const ClusterOptions& options);
// The secrets and files that find_cluster would read: nothing is read.
struct ClusterNeeds {
  std::vector<std::string> secrets, files, urls;
};
ClusterNeeds needs_of_cluster(const std::string& repository, const ClusterOptions& options);

class Cluster {
 public:
  Cluster(ports::Http& http, ClusterAccess access, Duration timeout)
      : http_(http), access_(std::move(access)), timeout_(timeout) {}

  struct Answer {
    int status = 0;  // 200..299, 404, 409 or 422; every other one is an error
    doc::Value body;
    [[nodiscard]] bool good() const { return status >= 200 && status <= 299; }
  };
  enum class Patch { merge, json };  // RFC 7386, RFC 6902
  Result<Answer> get(const std::string& path);
  Result<Answer> put(const std::string& path, const doc::Value& object);
  Result<Answer> patch(const std::string& path, Patch kind, const doc::Value& changes);

  [[nodiscard]] const std::string& space() const { return access_.space; }
  [[nodiscard]] const std::string& server() const { return access_.server; }

 private:
  Result<Answer> send(std::string method, const std::string& path, const std::string& type, std::string body);
  ports::Http& http_;
  ClusterAccess access_;
  Duration timeout_;
};

// "/apis/apps/v1/namespaces/SPACE/deployments/NAME"; an empty name gives the list. kind invalid where space
// or name are none that Kubernetes takes (RFC 1123).
Result<std::string> object_path(std::string_view group_version, std::string_view space,
                                std::string_view plural, std::string_view name);

}  // namespace tranche::actions
