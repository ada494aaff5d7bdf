// Is it a bill of materials? The rules that matter, of two formats, and beyond their JSON schemas: references
// that lead somewhere, package URLs, dates, digests of the right length, licences that exist.
//
// Not looked into, beyond being a map or a list: signature, pedigree, evidence, releaseNotes, formulation,
// declarations, definitions, cryptoProperties and what a vulnerability and an annotation say.
#pragma once

#include "base/error.hpp"
#include "doc/value.hpp"

namespace tranche::sbom {

// kind invalid, all findings at once (Error::others), each with its line. `minor`: 4, 5 or 6.
Result<> check_cyclonedx(const doc::Value& bom, int minor);
Result<> check_spdx(const doc::Value& document);

}  // namespace tranche::sbom
