// The texts of HTTP: status lines and the one form of a refusal.
#include "doc/value.hpp"
#include "server/http.hpp"

namespace tranche::server {

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::shared_ptr<const Content> make_refusal(std::string_view error, std::string_view hint) {
  auto content = std::make_shared<Content>();
  content->bytes = doc::to_json(doc::Value::object({{"error", error}, {"hint", hint}})) + "\n";
  return content;
}

Response refuse(int status, std::string_view error, std::string_view hint) {
  Response response;
  response.status = status;
  response.content = make_refusal(error, hint);
  return response;
}

}  // namespace tranche::server
