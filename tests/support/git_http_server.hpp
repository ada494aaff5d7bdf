// tests/support/git_http_server.py as a child of the test: a real `git http-backend` with a token.
#pragma once

#include <stdexcept>
#include <string>

#include "support/script_server.hpp"

namespace tranche::support {

class GitHttpServer {
 public:
  // Serves the bare repositories below `root`.
  GitHttpServer(const std::string& root, const std::string& token)
      : server_("git_http_server.py", {root, token}) {}
  [[nodiscard]] std::string url(const std::string& repository) const {
    return "http://127.0.0.1:" + server_.port() + "/" + repository;
  }
  void command(const std::string& line) {  // see the script
    if (server_.command(line) != "ok") throw std::runtime_error("the git server did not take '" + line + "'");
  }
  void stop() { server_.stop(); }  // the port refuses connections afterwards

 private:
  ScriptServer server_;
};

}  // namespace tranche::support
