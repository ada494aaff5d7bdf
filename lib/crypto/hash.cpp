// MD5, SHA-1, SHA-384 and SHA-512 by OpenSSL's EVP.
#include "crypto/hash.hpp"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

namespace tranche::crypto {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// A digest that cannot be made must not look like one.
[[noreturn]] void give_up(const char* name) {
  std::fprintf(stderr, "tranche: libcrypto has no working %s\n", name);
  std::abort();
}

const char* name_of(HashKind kind) {
  switch (kind) {
    case HashKind::md5:
      return "MD5";
    case HashKind::sha1:
      return "SHA1";
    case HashKind::sha384:
      return "SHA384";
    case HashKind::sha512:
      return "SHA512";
  }
  std::abort();
}

}  // namespace

struct Hash::State {
  const char* name;
  EVP_MD* method;
  Context context{EVP_MD_CTX_new()};

  explicit State(HashKind kind) : name(name_of(kind)), method(EVP_MD_fetch(nullptr, name, nullptr)) {
    if (method == nullptr || context == nullptr) give_up(name);
    start();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_free(method); }
  void start() {
    if (EVP_DigestInit_ex(context.get(), method, nullptr) != 1) give_up(name);
  }
};

Hash::Hash(HashKind kind) : state_(std::make_unique<State>(kind)) {}
Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

Hash& Hash::update(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) give_up(state_->name);
  return *this;
}

std::string Hash::finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), bytes, &size) != 1) give_up(state_->name);
  state_->start();
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string hash(HashKind kind, std::string_view bytes) { return Hash(kind).update(bytes).finish(); }

}  // namespace tranche::crypto
