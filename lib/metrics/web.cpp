// One number, or any JSON, from an HTTP endpoint: what a service says of itself, or a system that has no
// source of its own here. What Argo Rollouts' web metric asks, this asks.
#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query.hpp"
#include "metrics/value.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

class Web final : public Source {
 public:
  Web(Connection connection, spec::Source source)
      : connection_(std::move(connection)), source_(std::move(source)) {}

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables&, Instant,
                                            Instant) override {
    return fail_hint(ErrorKind::invalid, "compare with prometheus, command or file",
                     "{} measures one value, and gate '{}' compares arms over time", connection_.name(),
                     gate.name);
  }

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant) override {
    forget_notes();
    const std::string path =
        TRY(fill_query(gate.query.empty() ? source_.json_path : gate.query, variables, nullptr));
    Question question;
    question.method = source_.method;
    question.url = TRY(fill_url(source_.url, variables));
    question.body = TRY(fill_query(source_.body, variables, nullptr));
    if (!question.body.empty() && !has_content_type()) question.content_type = "application/json";
    question.retry = source_.method == "GET";
    question.any_text = true;
    const Answer answer = TRY(connection_.send(std::move(question)));
    if (answer.status < 200 || answer.status > 299) return connection_.refused(answer, "", "");
    if (!answer.is_json) {
      if (!path.empty() || !is_valid_utf8(answer.raw))
        return connection_.unreadable("it is no JSON", path,
                                      "see that the url answers with JSON, or leave json-path out");
      return measurement_of(doc::Value(std::string(trim(answer.raw))), "");
    }
    auto measured = measurement_of(answer.body, path);
    if (measured && !measured->has_data && !path.empty()) note("nothing stands at " + printable(path, 200));
    return measured;
  }

 private:
  [[nodiscard]] bool has_content_type() const {
    for (const auto& [name, value] : source_.headers)
      if (lower(name) == "content-type") return true;
    return false;
  }

  Connection connection_;
  spec::Source source_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_web(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Web>(std::move(connection), source);
}

}  // namespace tranche::metrics
