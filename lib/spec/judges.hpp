// Gates that are judged by more than one number: Kayenta's canary judge, a language model, an Argo
// AnalysisTemplate. Their part of tranche.yaml; tables_<judge>.cpp has the keys.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "doc/value.hpp"

namespace tranche::spec {

using doc::Place;

// `judge: kayenta`: Kayenta's NetflixACAJudge over series of both arms.
struct Kayenta {
  Place place;
};

// `judge: model`: a language model reads log excerpts of both arms. It may hold or veto, never promote.
struct Model {
  Place place;
};

// `argo: FILE`: an Argo Rollouts AnalysisTemplate, run unchanged.
struct Argo {
  std::string file;  // within the repository
  Place place;
};

}  // namespace tranche::spec
