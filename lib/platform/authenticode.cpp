#include "platform/authenticode.hpp"

#include "base/text.hpp"
#include "platform/tool.hpp"

namespace tranche::platform {
namespace {

using signing::Verdict;

constexpr std::string_view package = "osslsigncode";

std::string file_word(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

// The rest of the line that begins with `start`.
std::string_view line_of(std::string_view out, std::string_view start) {
  for (const std::string_view raw : split(out, '\n'))
    if (const std::string_view line = trim(raw); line.starts_with(start))
      return trim(line.substr(start.size()));
  return {};
}

// OpenSSL's errors come last and name functions: the first line is osslsigncode's own.
std::string first_words(const ports::ProcessResult& result) {
  for (const std::string_view said : {trim(result.err), trim(result.out)})
    for (const std::string_view line : split(said, '\n'))
      if (!line.empty() && !line.starts_with("Enter PEM")) return printable(line);
  return fmt::format("exit code {}", result.exit_code);
}

}  // namespace

Result<> sign_authenticode(ports::World& world, const std::string& path, const AuthenticodeSigner& signer) {
  const auto secrets = TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::secrets));
  TRY(world.files.write(*secrets / "key.pem", signer.key.expose(), 0600));
  TRY(world.files.write(*secrets / "certificates.pem", signer.certificates, 0600));
  const WorkCopy copy = TRY(WorkCopy::make(world, path, "unsigned"));
  const std::string output = copy.beside("signed");
  ToolRun run{.argv = {"osslsigncode", "sign", "-h", "sha256", "-certs", *secrets / "certificates.pem",
                       "-key", *secrets / "key.pem"},
              .package = package,
              .environment = {},
              .input = {}};
  if (!signer.password.empty()) {
    run.argv.insert(run.argv.end(), {"-readpass", "-"});
    run.input = Secret(std::string(signer.password.expose()) + "\n");
  }
  if (!signer.timestamp_url.empty()) run.argv.insert(run.argv.end(), {"-ts", signer.timestamp_url});
  run.argv.insert(run.argv.end(), {"-in", copy.path(), "-out", output});
  const auto result = TRY(run_tool(world, run));
  if (result.exit_code != 0 || !TRY(world.files.info(output)))
    return fail_hint(
        ErrorKind::verification,
        "check --key-password, that --certificate is the key's, and that the file is a PE, MSI or "
        "CAB",
        "osslsigncode does not sign '{}': {}", printable(path), first_words(result));
  return copy.put_back(world.files, output);
}

Result<Verdict> check_authenticode(ports::World& world, const std::string& path,
                                   const std::string& authorities) {
  const std::string roots = file_word(authorities);
  // -TSA-CAfile: else the system's authorities would vouch for a timestamp.
  const auto result =
      TRY(run_tool(world, {.argv = {"osslsigncode", "verify", "-CAfile", roots, "-TSA-CAfile", roots,
                                    "-ignore-crl", "-ignore-cdp", "-in", file_word(path)},
                           .package = package,
                           .environment = {},
                           .input = {}}));
  const std::string_view verified = line_of(result.out, "Signature verification:");
  const bool has_signature = !line_of(result.out, "Number of verified signatures:").empty();
  if (result.exit_code == 0 && !result.cut && verified == "ok" && has_signature)
    return Verdict{"", fmt::format("signed by {}", printable(line_of(result.out, "Subject:")))};
  if (result.out.find("MISMATCH!!!") != std::string::npos)
    return Verdict{"changed-bytes", "the file is not what was signed"};
  if (result.err.find("No signature found") != std::string::npos ||
      result.out.find("No signature found") != std::string::npos)
    return Verdict{"unsigned", "there is no signature in it"};
  if (verified == "failed" && result.err.find("certificate verify error") != std::string::npos)
    return Verdict{"untrusted-certificate",
                   fmt::format("{} leads to none of the authorities, or is not valid now",
                               printable(line_of(result.out, "Subject:")))};
  return Verdict{"bad-signature", "osslsigncode: " + first_words(result)};
}

}  // namespace tranche::platform
