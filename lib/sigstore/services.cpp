#include "sigstore/services.hpp"

#include <array>
#include <chrono>

#include "base/text.hpp"

namespace tranche::sigstore {

namespace {

// A log that is being rotated is away for seconds; a CI step that waits longer is better run again.
constexpr std::array delays{std::chrono::seconds(1), std::chrono::seconds(4)};

bool worth_another_try(int status) { return status == 429 || status >= 500; }

}  // namespace

Result<> check_service_url(std::string_view url, std::string_view what) {
  if (url.starts_with("https://")) return {};
  for (const std::string_view local : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(local)) continue;
    // Up to the path nothing but a port: what stands before an @ would only look like the host.
    const std::string_view rest = url.substr(local.size());
    const std::string_view port = rest.substr(0, rest.find('/'));
    if (port.empty() || (port.front() == ':' && parse_u64(port.substr(1)))) return {};
  }
  return fail_hint(ErrorKind::denied, "give its https:// url", "{} at '{}' would be asked without encryption",
                   what, printable(url));
}

std::string join_url(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(path);
}

Result<ports::HttpResponse> ask_service(ports::World& world, ports::HttpRequest request,
                                        std::string_view what) {
  TRY(check_service_url(request.url, what));
  for (std::size_t attempt = 0;; ++attempt) {
    auto answer = world.http.send(request);
    const bool again = !answer || worth_another_try(answer->status);
    if (!again || attempt == delays.size()) {
      if (!answer)
        return fail_hint(ErrorKind::failed, "see that it can be reached, and run this again", "{} at {}: {}",
                         what, printable(request.url), answer.error().message);
      return answer;
    }
    if (!world.clock.sleep_until(world.clock.now() + delays[attempt]))
      return fail(ErrorKind::interrupted, "interrupted while waiting for {}", what);
  }
}

std::unexpected<Error> refused_by(std::string_view what, const ports::HttpResponse& answer) {
  return fail_hint(ErrorKind::failed, "its answer says what it did not like", "{} answered {}: {}", what,
                   answer.status, printable(answer.body, 400));
}

}  // namespace tranche::sigstore
