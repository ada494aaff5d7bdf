// bench_sigstore CORPUS: every case of the conformance suite, trusted root, bundle and artifact from their
// bytes, twenty times over in one process. Prints the milliseconds of CPU a case, of the cheapest round: what
// else the machine does only adds to it.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "crypto/digest.hpp"
#include "sigstore/verify.hpp"

using namespace tranche;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Case {
  std::string bundle, artifact, root, key;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool run(const Case& one) {
  sigstore::Policy policy;
  if (one.key.empty()) {
    policy.identities.push_back(
        {"https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
         "extremely-dangerous-oidc-beacon.yml@refs/heads/main",
         "https://token.actions.githubusercontent.com"});
  } else if (auto key = crypto::AnyPublicKey::from_pem(one.key)) {
    policy.keys.push_back(*key);
  }
  const auto root = sigstore::read_trusted_root(one.root);
  if (!root) return false;
  const sigstore::Artifact artifact{.sha256 = std::string(crypto::as_bytes(crypto::sha256(one.artifact)))};
  return sigstore::verify(one.bundle, &*root, policy, artifact).verified();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path corpus = argv[1];
  const auto here = [&](const std::filesystem::path& directory, const char* name, const char* otherwise) {
    return read(std::filesystem::exists(directory / name) ? directory / name : corpus / otherwise);
  };
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(corpus / "bundle-verify"))
    cases.push_back({read(entry.path() / "bundle.sigstore.json"), here(entry.path(), "artifact", "a.txt"),
                     here(entry.path(), "trusted_root.json", "trusted_root.production.json"),
                     read(entry.path() / "key.pub")});
  double best = 1e9;
  int accepted = 0;
  for (int round = 0; round < 20; ++round) {
    const double start = cpu_seconds();
    accepted = 0;
    for (const Case& one : cases) accepted += run(one) ? 1 : 0;
    best = std::min(best, cpu_seconds() - start);
  }
  fmt::print("{:.3f} {} {}\n", best * 1000 / static_cast<double>(cases.size()), accepted, cases.size());
  return 0;
}
