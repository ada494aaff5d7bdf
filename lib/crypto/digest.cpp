// SHA-256 by OpenSSL's EVP.
//
// The problem: membership of a device is one SHA-256 over some 60 bytes, and a server or a simulation asks
// for millions. EVP_sha256() with a new context costs a microsecond of lookups and allocation, the hash
// itself 50 ns. The idea: fetch the method once a process, keep one context a thread, and re-initialise it.
#include "crypto/digest.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <cstdio>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::crypto {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// A libcrypto that cannot hash leaves nothing to verify with: stop rather than answer.
[[noreturn]] void give_up() {
  std::fputs("tranche: libcrypto has no working SHA-256\n", stderr);
  std::abort();
}

const EVP_MD* sha256_method() {
  static const EVP_MD* const method =
      EVP_MD_fetch(nullptr, "SHA256", nullptr);  // lives as long as the process
  if (method == nullptr) give_up();
  return method;
}

void start(EVP_MD_CTX* context) {
  if (EVP_DigestInit_ex(context, nullptr, nullptr) != 1) give_up();
}

Context new_context() {
  Context context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestInit_ex(context.get(), sha256_method(), nullptr) != 1) give_up();
  return context;
}

void feed(EVP_MD_CTX* context, std::string_view bytes) {
  if (EVP_DigestUpdate(context, bytes.data(), bytes.size()) != 1) give_up();
}

Sha256Digest end(EVP_MD_CTX* context) {
  Sha256Digest digest;
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context, digest.data(), &size) != 1 || size != digest.size()) give_up();
  return digest;
}

}  // namespace

Sha256Digest sha256(std::string_view bytes) {
  thread_local const Context context = new_context();
  start(context.get());
  feed(context.get(), bytes);
  return end(context.get());
}

std::string to_hex(const Sha256Digest& digest) { return tranche::to_hex(as_bytes(digest)); }

std::string_view as_bytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<Sha256Digest> parse_sha256(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Sha256Digest digest;
  if (!bytes || bytes->size() != digest.size())
    return fail_hint(ErrorKind::invalid, "a SHA-256 digest is 64 hex digits", "'{}' is no SHA-256 digest",
                     printable(hex, 80));
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

struct Sha256::State {
  Context context = new_context();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Sha256& Sha256::update(std::string_view bytes) {
  feed(state_->context.get(), bytes);
  return *this;
}

Sha256Digest Sha256::finish() {
  const Sha256Digest digest = end(state_->context.get());
  start(state_->context.get());
  return digest;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tranche::crypto
