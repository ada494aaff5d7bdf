#include "artifact/by_products.hpp"

#include <algorithm>
#include <array>

namespace tranche::artifact {
namespace {

// Who writes it: sign and attest (Sigstore's names, also of other tools), sign --format dsse, minisign and
// notary, attest --format dsse, sbom and release create; what ends in .pending was interrupted.
constexpr std::array<std::string_view, 13> always{
    ".sigstore.json",     ".sigstore",      ".sigstore.jsonl", ".sigstore.pending", ".sigstore.json.pending",
    ".tranche.sig",       ".minisig",       ".notary.json",    ".notary-log.json",  ".dsse.json",
    ".dsse.json.pending", ".model.pending", ".tranche.json"};
constexpr std::array<std::string_view, 7> whole{"sbom.cdx.json",    "sbom.cdx-1.5.json", "sbom.cdx-1.4.json",
                                                "sbom.spdx.json",   "sbom.json",         "model.sig",
                                                "model.sig.pending"};
// signify, Tauri, OpenPGP, OpenSSL.
constexpr std::array<std::string_view, 3> beside_its_file{".sig", ".asc", ".gpg"};

bool is_suffix_of(std::string_view suffix, std::string_view name) {
  return name.size() > suffix.size() && name.ends_with(suffix);
}

}  // namespace

bool is_by_product(std::string_view name, std::span<const std::string> beside) {
  if (std::ranges::find(whole, name) != whole.end()) return true;
  if (std::ranges::any_of(always, [&](std::string_view suffix) { return is_suffix_of(suffix, name); }))
    return true;
  return std::ranges::any_of(beside_its_file, [&](std::string_view suffix) {
    return is_suffix_of(suffix, name) &&
           std::ranges::find(beside, name.substr(0, name.size() - suffix.size())) != beside.end();
  });
}

}  // namespace tranche::artifact
