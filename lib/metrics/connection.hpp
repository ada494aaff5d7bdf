// One metrics server over HTTP: bounded JSON in, errors that name the server. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doc/value.hpp"
#include "ports/ports.hpp"
#include "spec/spec.hpp"

namespace tranche::metrics::internal {

using Form = std::vector<std::pair<std::string, std::string>>;  // names are plain, values are encoded here

struct Answer {
  int status = 0;
  doc::Value body;  // an object
};

class Connection {
 public:
  Connection(ports::Http& http, const spec::Source& source, Secret token)
      : http_(http), source_(source), token_(std::move(token)) {}

  // Status 200 with a JSON object of at most 8 MiB is an answer, as is any other status with a JSON object.
  // All else is an error, kind failed.
  Result<Answer> get(std::string_view path, const Form& form);
  Result<Answer> post(std::string_view path, const Form& form);
  // "source 'prom' (http://127.0.0.1:9090)"
  [[nodiscard]] std::string name() const;

 private:
  Result<Answer> send(ports::HttpRequest request);
  [[nodiscard]] std::string base() const;

  ports::Http& http_;
  spec::Source source_;
  Secret token_;
};

}  // namespace tranche::metrics::internal
