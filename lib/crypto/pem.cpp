// PEM by OpenSSL, in memory that is wiped: what is inside may be a secret key.
#include "crypto/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>

namespace tranche::crypto {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

struct FreeText {
  void operator()(char* text) const { OPENSSL_secure_free(text); }
};
using Text = std::unique_ptr<char, FreeText>;

}  // namespace

PemText read_pem_blocks(std::string_view text) {
  PemText all;
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  while (bio != nullptr) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const int found = PEM_read_bio_ex(bio.get(), &name, &header, &data, &size, PEM_FLAG_SECURE);
    const unsigned long why = ERR_peek_last_error();
    ERR_clear_error();
    if (found != 1) {
      all.broken = ERR_GET_REASON(why) != PEM_R_NO_START_LINE;
      break;
    }
    const Text own_name(name);
    const Text own_header(header);
    Secret der(std::string(reinterpret_cast<char*>(data), static_cast<std::size_t>(size)));
    OPENSSL_secure_clear_free(data, static_cast<std::size_t>(size));
    all.blocks.push_back({name, *header != '\0', std::move(der)});
  }
  return all;
}

Secret write_pem(const char* label, std::string_view der) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  char* text = nullptr;
  if (bio == nullptr ||
      PEM_write_bio(bio.get(), label, "", reinterpret_cast<const unsigned char*>(der.data()),
                    static_cast<long>(der.size())) <= 0)
    return {};
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

}  // namespace tranche::crypto
