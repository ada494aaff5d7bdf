// What a Certificate holds. Not for other rooms.
#pragma once

#include <openssl/asn1.h>

#include "crypto/certificate.hpp"
#include "crypto/openssl_handles.hpp"

namespace tranche::crypto {

struct Certificate::State {
  OwnedX509 x509;
  std::string der;
};

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using OwnedX509Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;
// A stack with references of its own; null when memory is out.
OwnedX509Stack stack_of(std::span<const Certificate> certificates);
// A store whose anchors are `roots`, self-signed or not, that judges at `when`; null when memory is out.
using OwnedStore = std::unique_ptr<X509_STORE, FreeBy<X509_STORE_free>>;
OwnedStore store_of(std::span<const Certificate> roots, Instant when);

// UTC, fractions of a second kept to the millisecond. nullopt: no time.
std::optional<Instant> instant_of(const ASN1_TIME* time);

}  // namespace tranche::crypto
