// 1,000 gates against one Prometheus, beside one curl handle that asks the same 1,000 questions.
//
//   bench_sources URL [ROUNDS]
//   prints: seconds of ours, seconds of the handle, ratio, peak RSS of ours in MiB; then the ratio of the
//   medians, and the microseconds of CPU (user + system, of this process) a question costs ours and the
//   handle
// Each gate has a source of its own, as 1,000 rollouts would; they share the one HTTP client. Rounds of both
// alternate, and the best of each counts: what else the machine does only adds to it.
#include <curl/curl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "metrics/source.hpp"
#include "os/world.hpp"

using namespace tranche;

namespace {

constexpr int gates = 1'000;

// A question as gates ask it, over what Prometheus says of itself; its answer is `i`.
std::string query(int i) {
  return fmt::format("sum(rate(prometheus_http_requests_total[1m])) * 0 + {} or vector({})", i, i);
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

// What one side took, round by round.
class Times {
 public:
  template <typename Ask>
  void take(const Ask& ask) {
    const double cpu = cpu_seconds();
    const auto begun = std::chrono::steady_clock::now();
    ask();
    wall_.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    cpu_.push_back(cpu_seconds() - cpu);
  }
  [[nodiscard]] double best() const { return *std::min_element(wall_.begin(), wall_.end()); }
  [[nodiscard]] double median() const {
    std::vector<double> sorted = wall_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  [[nodiscard]] double best_cpu_us() const {
    return *std::min_element(cpu_.begin(), cpu_.end()) * 1e6 / gates;
  }

 private:
  std::vector<double> wall_, cpu_;
};

std::size_t swallow(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

void must(bool held, const char* what) {
  if (held) return;
  fmt::print(stderr, "bench_sources: {}\n", what);
  std::exit(1);
}

void ask_with_curl(CURL* handle, const std::string& url, std::int64_t at) {
  for (int i = 0; i < gates; ++i) {
    std::string answer;
    const std::string body = "query=" + percent_encode(query(i)) + "&time=" + std::to_string(at);
    curl_easy_setopt(handle, CURLOPT_URL, (url + "/api/v1/query").c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    must(curl_easy_perform(handle) == CURLE_OK, "curl has no answer");
    must(answer.find("success") != std::string::npos, "curl's answer is no success");
  }
}

void ask_with_sources(std::vector<std::unique_ptr<metrics::Source>>& sources, Instant at) {
  const metrics::Variables variables{"a", "stable", "1.2.0", "1.2.0", "1.1.0", std::chrono::minutes(1)};
  for (int i = 0; i < gates; ++i) {
    spec::Gate gate;
    gate.query = query(i);
    const auto measured = sources[static_cast<std::size_t>(i)]->measure(gate, variables, at);
    must(measured && measured->values.size() == 1 && measured->values[0] == i, "a gate has no measurement");
  }
}

}  // namespace

int main(int count, char** words) {
  must(count == 2 || count == 3, "give the URL of a Prometheus, and the rounds");
  const std::string url = words[1];
  const int rounds = count == 3 ? std::max(1, std::atoi(words[2])) : 40;
  os::RealWorld real;
  spec::Source source;
  source.name = "prom";
  source.url = url;
  std::vector<std::unique_ptr<metrics::Source>> sources;
  for (int i = 0; i < gates; ++i) {
    auto made = metrics::make_source(real.world(), source, {});
    must(made.has_value(), "no source");
    sources.push_back(std::move(*made));
  }
  const Instant now = std::chrono::floor<std::chrono::seconds>(real.world().clock.now());
  const std::int64_t at = now.time_since_epoch() / std::chrono::seconds(1);
  ask_with_sources(sources, now);  // before curl itself takes memory
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  CURL* handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  ask_with_curl(handle, url, at);
  Times ours, bare;
  for (int round = 0; round < rounds; ++round) {
    ours.take([&] { ask_with_sources(sources, now); });
    bare.take([&] { ask_with_curl(handle, url, at); });
  }
  curl_easy_cleanup(handle);
  fmt::print("{:.3f} {:.3f} {:.2f} {} median {:.2f} cpu {:.1f} {:.1f}\n", ours.best(), bare.best(),
             ours.best() / bare.best(), usage.ru_maxrss / 1024, ours.median() / bare.median(),
             ours.best_cpu_us(), bare.best_cpu_us());
  return 0;
}
