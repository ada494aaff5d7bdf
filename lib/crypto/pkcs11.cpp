// One session a key, closed with it. A module is initialised once a process and never unloaded: others of its
// threads may still run.
#include "crypto/pkcs11.hpp"

#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <p11-kit/pkcs11.h>

#include <map>
#include <mutex>
#include <vector>

#include "base/text.hpp"
#include "crypto/public_key_state.hpp"

namespace tranche::crypto {

namespace {

using OwnedBuild = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using OwnedParams = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using OwnedNumber = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using OwnedEcSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;
using OwnedOctets = std::unique_ptr<ASN1_OCTET_STRING, FreeBy<ASN1_OCTET_STRING_free>>;

constexpr CK_ULONG max_slots = 64;
constexpr CK_ULONG max_attribute_bytes = 4096;

std::unexpected<Error> token_failed(std::string_view what, CK_RV code) {
  switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      return fail_hint(ErrorKind::verification, "check the PIN that is named for this token",
                       "the token refuses the PIN");
    case CKR_PIN_LOCKED:
      return fail_hint(ErrorKind::denied, "unlock it with the security officer's PIN",
                       "the token's PIN is locked");
    case CKR_USER_NOT_LOGGED_IN:
      return fail_hint(ErrorKind::invalid,
                       "name its PIN: `signing: { passphrase: env:TRANCHE_... }`, or --key-password",
                       "the token wants a PIN");
    default:
      return fail_hint(ErrorKind::failed, "see that the token is there and its module works",
                       "the token does not {}: PKCS #11 code 0x{:x}", what, code);
  }
}

// Text fields of tokens are padded with blanks.
bool field_is(const CK_UTF8CHAR* field, std::size_t size, const std::optional<std::string>& wanted) {
  if (!wanted) return true;
  std::string_view text(reinterpret_cast<const char*>(field), size);
  while (text.ends_with(' ') || text.ends_with('\0')) text.remove_suffix(1);
  return text == *wanted;
}

Result<CK_FUNCTION_LIST*> open_module(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, CK_FUNCTION_LIST*> opened;
  const std::lock_guard guard(mutex);
  if (const auto found = opened.find(path); found != opened.end()) return found->second;
  const std::string hint =
      "name the token's module in TRANCHE_PKCS11_MODULE, or install p11-kit: apt-get install libp11-kit0";
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return fail_hint(ErrorKind::failed, hint, "the PKCS #11 module '{}' does not open", printable(path));
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(handle, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr)
    return fail_hint(ErrorKind::failed, hint, "'{}' is no PKCS #11 module", printable(path));
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV code = functions->C_Initialize(&arguments);
  if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) return token_failed("start", code);
  opened.emplace(path, functions);
  return functions;
}

struct TokenSession {
  CK_FUNCTION_LIST* functions = nullptr;
  CK_SESSION_HANDLE handle = 0;
  TokenSession(CK_FUNCTION_LIST* f, CK_SESSION_HANDLE h) : functions(f), handle(h) {}
  TokenSession(const TokenSession&) = delete;
  TokenSession& operator=(const TokenSession&) = delete;
  ~TokenSession() { functions->C_CloseSession(handle); }
};

Result<CK_SLOT_ID> find_token(CK_FUNCTION_LIST* functions, const Pkcs11Uri& uri) {
  std::vector<CK_SLOT_ID> slots(max_slots);
  CK_ULONG count = max_slots;
  const CK_RV code = functions->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) return token_failed("list its slots", code);
  std::vector<CK_SLOT_ID> found;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;  // an empty slot of a software token
    if (field_is(info.label, sizeof info.label, uri.token) &&
        field_is(info.manufacturerID, sizeof info.manufacturerID, uri.manufacturer) &&
        field_is(info.serialNumber, sizeof info.serialNumber, uri.serial) &&
        field_is(info.model, sizeof info.model, uri.model))
      found.push_back(slots[i]);
  }
  if (found.size() == 1) return found.front();
  return fail_hint(ErrorKind::invalid,
                   found.empty() ? "see that it is plugged in; `p11tool --list-tokens` shows those there are"
                                 : "add token= or serial= to the URI",
                   "{} tokens fit the pkcs11: URI", found.size());
}

// Objects of a class that fit, two at most: more than one is one too many.
Result<std::vector<CK_OBJECT_HANDLE>> find_objects(TokenSession& session, CK_OBJECT_CLASS kind,
                                                   const std::optional<std::string>& label,
                                                   const std::optional<std::string>& id) {
  std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &kind, sizeof kind}};
  std::string label_bytes = label.value_or("");
  std::string id_bytes = id.value_or("");
  if (label) wanted.push_back({CKA_LABEL, label_bytes.data(), label_bytes.size()});
  if (id) wanted.push_back({CKA_ID, id_bytes.data(), id_bytes.size()});
  CK_RV code = session.functions->C_FindObjectsInit(session.handle, wanted.data(), wanted.size());
  if (code != CKR_OK) return token_failed("search its objects", code);
  std::vector<CK_OBJECT_HANDLE> found(2);
  CK_ULONG count = 0;
  code = session.functions->C_FindObjects(session.handle, found.data(), found.size(), &count);
  session.functions->C_FindObjectsFinal(session.handle);
  if (code != CKR_OK) return token_failed("search its objects", code);
  found.resize(count);
  return found;
}

// Empty: the object has no such attribute.
std::string attribute(TokenSession& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (session.functions->C_GetAttributeValue(session.handle, object, &wanted, 1) != CKR_OK) return {};
  if (wanted.ulValueLen == 0 || wanted.ulValueLen > max_attribute_bytes) return {};
  std::string value(wanted.ulValueLen, '\0');
  wanted.pValue = value.data();
  if (session.functions->C_GetAttributeValue(session.handle, object, &wanted, 1) != CKR_OK) return {};
  value.resize(wanted.ulValueLen);
  return value;
}

// The point inside its OCTET STRING; some tokens give it bare.
std::string bare_point(const std::string& value) {
  const unsigned char* at = raw(value);
  const OwnedOctets octets(d2i_ASN1_OCTET_STRING(nullptr, &at, static_cast<long>(value.size())));
  ERR_clear_error();
  if (octets == nullptr || at != raw(value) + value.size()) return value;
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets.get())),
          static_cast<std::size_t>(ASN1_STRING_length(octets.get()))};
}

OwnedKey key_from(const char* type, OSSL_PARAM_BLD* build) {
  const OwnedParams params(OSSL_PARAM_BLD_to_param(build));
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1)
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  return OwnedKey(key);
}

OwnedKey rsa_key(const std::string& modulus, const std::string& exponent) {
  const OwnedBuild build(OSSL_PARAM_BLD_new());
  const OwnedNumber n(BN_bin2bn(raw(modulus), static_cast<int>(modulus.size()), nullptr));
  const OwnedNumber e(BN_bin2bn(raw(exponent), static_cast<int>(exponent.size()), nullptr));
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return key_from("RSA", build.get());
}

OwnedKey ec_key(const std::string& parameters, const std::string& point) {
  const unsigned char* at = raw(parameters);
  ASN1_OBJECT* oid = d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(parameters.size()));
  const char* name = oid == nullptr ? nullptr : OBJ_nid2sn(OBJ_obj2nid(oid));
  ASN1_OBJECT_free(oid);
  if (name == nullptr) return nullptr;
  const OwnedBuild build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return key_from("EC", build.get());
}

Result<AnyPublicKey> read_public_key(TokenSession& session, CK_OBJECT_HANDLE object) {
  const std::string type = attribute(session, object, CKA_KEY_TYPE);
  CK_KEY_TYPE kind = ~CK_KEY_TYPE{0};
  if (type.size() == sizeof kind) std::copy(type.begin(), type.end(), reinterpret_cast<char*>(&kind));
  OwnedKey key;
  if (kind == CKK_RSA)
    key = rsa_key(attribute(session, object, CKA_MODULUS), attribute(session, object, CKA_PUBLIC_EXPONENT));
  else if (kind == CKK_EC)
    key = ec_key(attribute(session, object, CKA_EC_PARAMS),
                 bare_point(attribute(session, object, CKA_EC_POINT)));
  else if (kind == CKK_EC_EDWARDS) {
    const std::string point = bare_point(attribute(session, object, CKA_EC_POINT));
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(point), point.size()));
  }
  ERR_clear_error();
  if (key == nullptr)
    return fail_hint(ErrorKind::verification, "keys of RSA, ECDSA and Ed25519 are taken",
                     "the token's public key cannot be read");
  return adopt_key(std::move(key), {});
}

// DigestInfo of SHA-256 before the digest (RFC 8017, section 9.2, note 1).
constexpr std::string_view sha256_info(
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);

// r and s one after another → ECDSA-Sig-Value; empty when they are none.
std::string der_signature(const std::string& both) {
  const auto half = static_cast<int>(both.size() / 2);
  const OwnedEcSignature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(raw(both), half, nullptr);
  BIGNUM* s = BN_bin2bn(raw(both) + half, half, nullptr);
  if (signature == nullptr || both.size() % 2 != 0 || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  return to_der_by<i2d_ECDSA_SIG>(signature.get());
}

class TokenSigner : public Signer {
 public:
  TokenSigner(std::unique_ptr<TokenSession> session, CK_OBJECT_HANDLE key, AnyPublicKey public_key,
              Secret pin)
      : session_(std::move(session)), key_(key), public_(std::move(public_key)), pin_(std::move(pin)) {}

  [[nodiscard]] const AnyPublicKey& public_key() const override { return public_; }

  Result<std::string> sign(std::string_view message) override {
    if (const auto digest = message_digest(public_.usual_scheme(), message)) return sign_digest(*digest);
    std::string signature = TRY(ask(CKM_EDDSA, message));
    if (!public_.verify(public_.usual_scheme(), message, signature)) return another_key();
    return signature;
  }
  Result<std::string> sign_digest(std::string_view digest) override {
    const Scheme scheme = public_.usual_scheme();
    if (scheme == Scheme::ed25519) return fail(ErrorKind::bug, "an Ed25519 key signs messages, not digests");
    std::string signature;
    if (scheme == Scheme::rsa_pkcs1_sha256)
      signature = TRY(ask(CKM_RSA_PKCS, std::string(sha256_info) + std::string(digest)));
    else
      signature = der_signature(TRY(ask(CKM_ECDSA, digest)));
    if (!public_.verify_digest(scheme, digest, signature)) return another_key();
    return signature;
  }

 private:
  static std::unexpected<Error> another_key() {
    return fail_hint(ErrorKind::failed, "name the key by id=, which the public half shares",
                     "the token signed with another key than its public half says");
  }
  Result<std::string> ask(CK_MECHANISM_TYPE type, std::string_view data) {
    const std::lock_guard guard(mutex_);  // a session signs one thing at a time
    CK_FUNCTION_LIST* functions = session_->functions;
    CK_MECHANISM mechanism{type, nullptr, 0};
    CK_RV code = functions->C_SignInit(session_->handle, &mechanism, key_);
    if (code != CKR_OK) return token_failed("begin a signature", code);
    if (attribute(*session_, key_, CKA_ALWAYS_AUTHENTICATE) == std::string(1, '\1')) {
      code = login(*session_, CKU_CONTEXT_SPECIFIC, pin_);
      if (code != CKR_OK) return token_failed("log in", code);
    }
    std::string bytes(data);
    std::string signature(max_attribute_bytes, '\0');
    CK_ULONG size = signature.size();
    code = functions->C_Sign(session_->handle, raw(bytes), bytes.size(), raw(signature), &size);
    if (code != CKR_OK) return token_failed("sign", code);
    signature.resize(size);
    return signature;
  }

 public:
  static CK_RV login(TokenSession& session, CK_USER_TYPE user, const Secret& pin) {
    std::string word(pin.expose());
    const CK_RV code = session.functions->C_Login(session.handle, user, raw(word), word.size());
    OPENSSL_cleanse(word.data(), word.size());
    return code;
  }

 private:
  std::unique_ptr<TokenSession> session_;
  CK_OBJECT_HANDLE key_;
  AnyPublicKey public_;
  Secret pin_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Signer>> signer_from_token(const std::string& module, const Pkcs11Uri& uri,
                                                  const Secret& pin) {
  CK_FUNCTION_LIST* functions = TRY(open_module(module));
  const CK_SLOT_ID slot = TRY(find_token(functions, uri));
  CK_SESSION_HANDLE handle = 0;
  CK_RV code = functions->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle);
  if (code != CKR_OK) return token_failed("open a session", code);
  auto session = std::make_unique<TokenSession>(functions, handle);
  if (!pin.empty()) {
    code = TokenSigner::login(*session, CKU_USER, pin);
    if (code != CKR_OK && code != CKR_USER_ALREADY_LOGGED_IN) return token_failed("log in", code);
  }
  const auto keys = TRY(find_objects(*session, CKO_PRIVATE_KEY, uri.object, uri.id));
  if (keys.size() != 1)
    return fail_hint(
        ErrorKind::invalid,
        keys.empty() ? "`p11tool --login --list-all` shows the keys; a private one is seen with the PIN only"
                     : "add id= or object= to the URI",
        "{} private keys fit the pkcs11: URI", keys.empty() ? "no" : "several");
  // The two halves share their id; those of a token that gives none, their label.
  const std::string id = attribute(*session, keys.front(), CKA_ID);
  const auto halves = TRY(find_objects(*session, CKO_PUBLIC_KEY, id.empty() ? uri.object : std::nullopt,
                                       id.empty() ? std::nullopt : std::optional(id)));
  if (halves.size() != 1)
    return fail_hint(ErrorKind::invalid, "import the public key beside it, with the same id",
                     "the token holds {} public halves of the key", halves.size());
  AnyPublicKey public_key = TRY(read_public_key(*session, halves.front()));
  return std::unique_ptr<Signer>(
      std::make_unique<TokenSigner>(std::move(session), keys.front(), std::move(public_key), pin));
}

}  // namespace tranche::crypto
