// tests/support/kube_server.py as a child of the test: an API server that really applies patches.
#pragma once

#include <string>

#include "support/script_server.hpp"

namespace tranche::support {

class KubeServer {
 public:
  // With a directory it speaks TLS by certificates that it makes there.
  explicit KubeServer(const std::string& token = "t0ken", const std::string& tls_directory = "")
      : encrypted_(!tls_directory.empty()),
        server_("kube_server.py", tls_directory.empty() ? std::vector<std::string>{token}
                                                        : std::vector<std::string>{token, tls_directory}) {}
  [[nodiscard]] std::string url() const {
    return (encrypted_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + server_.port();
  }
  std::string command(const std::string& line) { return server_.command(line); }

 private:
  bool encrypted_;
  ScriptServer server_;
};

}  // namespace tranche::support
