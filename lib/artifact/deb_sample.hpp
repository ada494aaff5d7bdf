// A small .deb for tests: an ar archive of debian-binary, control.tar and an empty data.tar, as deb(5) has
// it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace tranche::artifact::testing {

// One file of a POSIX ustar archive, and the archive's end.
inline std::string tar_of(const std::string& name, std::string_view bytes) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", bytes.size()));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  std::string out = header + std::string(bytes);
  return out + std::string((512 - bytes.size() % 512) % 512 + 1024, '\0');
}

inline std::string ar_member(std::string name, std::string_view bytes) {
  name.resize(16, ' ');
  std::string out =
      name + "0           0     0     100644  " + fmt::format("{:<10}`\n", bytes.size()) + std::string(bytes);
  if (bytes.size() % 2 == 1) out += '\n';
  return out;
}

inline std::string make_deb(const std::string& control) {
  return "!<arch>\n" + ar_member("debian-binary", "2.0\n") +
         ar_member("control.tar", tar_of("./control", control)) +
         ar_member("data.tar", std::string(1024, '\0'));
}

inline std::string control_of(const std::string& name, const std::string& version,
                              const std::string& architecture = "amd64", const std::string& more = "") {
  return fmt::format(
      "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: Ana <ana@example.org>\n{}Description: keeps "
      "notes\n "
      "that stay\n",
      name, version, architecture, more);
}

}  // namespace tranche::artifact::testing
