#include "commands/fleet/shared.hpp"

#include <cmath>
#include <cstdlib>

#include "base/text.hpp"
#include "base/version.hpp"

namespace tranche::commands {
namespace {

Result<double> read_rate(std::string_view text, std::string_view what) {
  const std::string copy(text);
  char* end = nullptr;
  double rate = std::strtod(copy.c_str(), &end);
  if (end == copy.c_str() + copy.size() - 1 && *end == '%') {
    rate /= 100;
    ++end;
  }
  if (copy.empty() || end != copy.c_str() + copy.size() || !std::isfinite(rate) || rate < 0)
    return fail_hint(ErrorKind::usage, "write a number such as 0.005 or 0.5%", "'{}' is no {}",
                     printable(text, 40), what);
  return rate;
}

}  // namespace

std::vector<Flag> model_flags(std::string devices, std::string poll) {
  return {
      {.name = "devices", .value = "N", .help = "how many", .default_text = std::move(devices)},
      {.name = "poll", .value = "TIME", .help = "how often each asks", .default_text = std::move(poll)},
      {.name = "sessions", .value = "X", .help = "mean per device and poll", .default_text = "5"},
      {.name = "crash-rate", .value = "X", .help = "crashes a session", .default_text = "0.005"},
      {.name = "crash-rate-of", .value = "VERSION=X", .help = "where a version differs", .repeated = true},
      {.name = "start-version",
       .value = "VERSION",
       .help = "what they run at first",
       .default_text = "1.0.0"},
      {.name = "pilot-share", .value = "PERCENT", .help = "devices with ring=pilot", .default_text = "1%"},
      {.name = "offline",
       .value = "PERCENT",
       .help = "devices that ask 20 times less often",
       .default_text = "0"},
      {.name = "seed", .value = "N", .help = "the same fleet again", .default_text = "1"}};
}

Result<fleet::Model> read_model(const Options& options) {
  fleet::Model model;
  model.devices = static_cast<std::size_t>(TRY(options.number("devices")));
  model.poll = TRY(options.duration("poll"));
  model.sessions = TRY(read_rate(options.text("sessions"), "number of sessions"));
  model.crash_rate = TRY(read_rate(options.text("crash-rate"), "rate"));
  for (const std::string& text : options.list("crash-rate-of")) {
    const std::size_t mark = text.find('=');
    if (mark == std::string::npos || !valid_version(text.substr(0, mark)))
      return fail_hint(ErrorKind::usage, "write --crash-rate-of 1.2.0=0.015", "'{}' is no VERSION=RATE",
                       printable(text, 64));
    model.crash_rate_of[text.substr(0, mark)] = TRY(read_rate(text.substr(mark + 1), "rate"));
  }
  model.start_version = options.text("start-version");
  if (!valid_version(model.start_version))
    return fail_hint(ErrorKind::usage, "write --start-version 1.0.0", "'{}' is no version",
                     printable(model.start_version, 64));
  model.pilot_share = TRY(options.percent("pilot-share"));
  model.offline = TRY(options.percent("offline"));
  model.seed = TRY(options.number("seed"));
  TRY(fleet::check_model(model));
  return model;
}

}  // namespace tranche::commands
