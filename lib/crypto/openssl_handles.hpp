// Owners of OpenSSL's objects. Not for other rooms.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace tranche::crypto {

template <auto Function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using OwnedKey = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using OwnedKeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using OwnedBio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using OwnedX509 = std::unique_ptr<X509, FreeBy<X509_free>>;

inline const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// The DER of an object by its i2d function; empty when that fails.
template <auto Encode, class T>
std::string to_der_by(T* object) {
  unsigned char* out = nullptr;
  const int size = Encode(object, &out);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

// OpenSSL's words for the last error of this thread, and the queue emptied.
inline std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string words = text == nullptr ? "no reason given" : text;
  ERR_clear_error();
  return words;
}

}  // namespace tranche::crypto
