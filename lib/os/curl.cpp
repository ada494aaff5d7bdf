#include "os/curl.hpp"

#include <mutex>
#include <optional>

#include "ports/first_use.hpp"

namespace tranche::os {
namespace {

Result<Curl> open_curl() {
  static ports::Library library("libcurl.so.4", "libcurl4");
  Curl curl;
  TRY(library.load(curl.global_init, "curl_global_init"));
  TRY(library.load(curl.easy_init, "curl_easy_init"));
  TRY(library.load(curl.easy_reset, "curl_easy_reset"));
  TRY(library.load(curl.easy_cleanup, "curl_easy_cleanup"));
  TRY(library.load(curl.easy_setopt, "curl_easy_setopt"));
  TRY(library.load(curl.easy_getinfo, "curl_easy_getinfo"));
  TRY(library.load(curl.easy_perform, "curl_easy_perform"));
  TRY(library.load(curl.easy_strerror, "curl_easy_strerror"));
  TRY(library.load(curl.slist_append, "curl_slist_append"));
  TRY(library.load(curl.slist_free_all, "curl_slist_free_all"));
  TRY(library.load(curl.url, "curl_url"));
  TRY(library.load(curl.url_cleanup, "curl_url_cleanup"));
  TRY(library.load(curl.url_set, "curl_url_set"));
  TRY(library.load(curl.url_get, "curl_url_get"));
  TRY(library.load(curl.free, "curl_free"));
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(ErrorKind::failed, "libcurl cannot start");
  return curl;
}

}  // namespace

Result<const Curl*> load_curl() {
  static std::mutex mutex;
  static std::optional<Curl> opened;
  const std::lock_guard guard(mutex);
  if (!opened) opened = TRY(open_curl());
  return &*opened;
}

}  // namespace tranche::os
