// One image's repository in a registry, over the OCI distribution specification 1.1. What comes is held
// against its digest; credentials go to the registry and to the token service that it names, over https or
// to this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "oci/credentials.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"
#include "ports/ports.hpp"

namespace tranche::oci {

inline constexpr std::size_t max_blob_bytes = 16 << 20;  // a bundle

struct Access {
  std::optional<Credentials> credentials;
  bool plain_http = false;  // also to other machines
  bool write = false;       // what a token is asked for
};

struct Document {
  std::string media_type;  // of the answer
  std::string digest;      // of the bytes
  std::string bytes;
  std::string etag;  // may be empty
};
struct Stored {
  bool indexed = false;  // the registry keeps the list of referrers itself
  bool lost = false;     // somebody else wrote first: nothing was stored
};

class Registry {
 public:
  // kind denied: credentials would go over http to another machine.
  static Result<Registry> open(ports::World& world, const Reference& image, Access access);

  // By digest or tag. nullopt: there is none. kind verification: the bytes do not have the digest. As is
  // every error below: kind failed when the registry cannot be reached or refuses.
  Result<std::optional<Document>> get_manifest(const std::string& reference);
  // `if_match`: an etag that must still hold; may be empty.
  Result<Stored> put_manifest(const std::string& reference, std::string_view media_type,
                              const std::string& bytes, const std::string& if_match = {});
  // kind verification: not of this size and digest, or larger than max_blob_bytes.
  Result<std::string> get_blob(const Descriptor& blob);
  // Asks first whether it is there.
  Result<> put_blob(const std::string& bytes);
  // What refers to a digest, by the referrers API; nullopt: the registry has none.
  Result<std::optional<std::vector<Descriptor>>> get_referrers(const std::string& digest);

  [[nodiscard]] ports::World& world() const { return *world_; }

 private:
  Registry(ports::World& world, const Reference& image, Access access);
  Result<ports::HttpResponse> ask(ports::HttpRequest request, std::string_view what);
  Result<ports::HttpResponse> ask_patiently(const ports::HttpRequest& request, std::string_view what);
  Result<Secret> ask_for_token(const Challenge& challenge);
  Result<Secret> answer_challenge(const ports::HttpResponse& refusal);
  Result<std::string> upload_place(const ports::HttpResponse& begun) const;
  [[nodiscard]] std::string url(std::string_view path) const;
  [[nodiscard]] std::unexpected<Error> refused(std::string_view what,
                                               const ports::HttpResponse& answer) const;

  ports::World* world_;
  Reference image_;
  Access access_;
  std::string base_;
  Secret authorization_;  // empty: none was asked for yet
};

}  // namespace tranche::oci
