// From `judge: kayenta` in tranche.yaml to what gate/kayenta.hpp judges: the config, and series from a
// source.
#pragma once

#include <map>
#include <string>

#include "gate/kayenta.hpp"
#include "metrics/source.hpp"

namespace tranche::metrics {

gate::KayentaConfig kayenta_config(const spec::Kayenta& judge);

// Each metric's series of both arms in (since, until], or in the last `lookback` of it: one sample a step,
// NaN where there was none. `since`: when the arms began to differ. More than 11,000 steps: the last ones.
// Errors: the source's; the first one ends it, since a judgement over half of the metrics is none.
Result<std::map<std::string, gate::KayentaSeries>> kayenta_series(Source& source, const spec::Kayenta& judge,
                                                                  const Variables& variables, Instant since,
                                                                  Instant until);

}  // namespace tranche::metrics
