#include "platform/authenticode.hpp"

#include "base/text.hpp"
#include "crypto/pkcs11_uri.hpp"
#include "platform/tool.hpp"

namespace tranche::platform {
namespace {

using signing::Verdict;

constexpr std::string_view package = "osslsigncode";

// The rest of the line that begins with `start`.
std::string_view line_of(std::string_view out, std::string_view start) {
  for (const std::string_view raw : split(out, '\n'))
    if (const std::string_view line = trim(raw); line.starts_with(start))
      return trim(line.substr(start.size()));
  return {};
}

// OpenSSL's errors come last and name functions: the first line is osslsigncode's own.
std::string first_words(std::string_view out, std::string_view err, int exit_code) {
  for (const std::string_view said : {trim(err), trim(out)})
    for (const std::string_view line : split(said, '\n'))
      if (!line.empty() && !line.starts_with("Engine \"pkcs11\"")) return printable(line, 200);
  return fmt::format("exit code {}", exit_code);
}

}  // namespace

Result<> sign_authenticode(ports::World& world, const std::string& path, const AuthenticodeSigner& signer) {
  const auto secrets = TRY(signing::PrivateDirectory::make(world, signing::PrivateDirectory::Holds::secrets));
  ToolRun run{.argv = {"osslsigncode", "sign", "-h", "sha256", "-certs", *secrets / "certificates.pem"},
              .package = package,
              .environment = {},
              .input = {}};
  std::string hint =
      "check --key-password, that --certificate is the key's, and that the file is a PE, MSI or CAB";
  if (signer.token.empty()) {
    TRY(world.files.write(*secrets / "key.pem", signer.key.expose(), 0600));
    run.argv.insert(run.argv.end(), {"-key", *secrets / "key.pem"});
  } else {
    TRY(crypto::parse_pkcs11_uri(signer.token));
    run.argv.insert(run.argv.end(), {"-pkcs11module", signer.module, "-key", signer.token});
    hint =
        "check the PIN (--key-password), TRANCHE_PKCS11_MODULE and --certificate; osslsigncode needs "
        "OpenSSL's "
        "engine for tokens: apt-get install libengine-pkcs11-openssl";
  }
  TRY(world.files.write(*secrets / "certificates.pem", signer.certificates, 0600));
  const WorkCopy copy = TRY(WorkCopy::make(world, path, "unsigned"));
  const std::string output = copy.beside("signed");
  // Always, if only an empty line: else it would ask the terminal, which it must not read, and wait.
  run.argv.insert(run.argv.end(), {"-readpass", "-"});
  run.input = Secret(std::string(signer.password.expose()) + "\n");
  if (!signer.timestamp_url.empty()) run.argv.insert(run.argv.end(), {"-ts", signer.timestamp_url});
  run.argv.insert(run.argv.end(), {"-in", copy.path(), "-out", output});
  const auto result = TRY(run_tool(world, run));
  if (result.exit_code != 0 || !TRY(world.files.info(output)))
    return fail_hint(ErrorKind::verification, hint, "osslsigncode does not sign '{}': {}", printable(path),
                     first_words(result.out, result.err, result.exit_code));
  // Whether anybody believes the certificate is for them to say; that the file is as it was signed is for us.
  const Verdict verdict = TRY(check_authenticode(world, output, *secrets / "certificates.pem"));
  if (!verdict.holds() && verdict.code != "untrusted-certificate" && verdict.code != "untrusted-timestamp")
    return fail_hint(ErrorKind::verification, "sign with a certificate for code that is valid now",
                     "what osslsigncode made of '{}' does not hold, and the file stays as it was: {}",
                     printable(path), verdict.detail);
  return copy.put_back(world.files, output);
}

// Its exit code alone does not count: it is 0 when one of several signatures holds, and when a timestamp does
// not. Its words alone do not count either: a signature's description is printed as it is, line ends and all.
Verdict read_osslsigncode(std::string_view out, std::string_view err, int exit_code) {
  const auto said = [&](std::string_view words) {
    return out.find(words) != out.npos || err.find(words) != err.npos;
  };
  const std::string who = printable(line_of(out, "Subject:"), 120);
  if (said("MISMATCH!!!")) return {"changed-bytes", "the file is not what was signed"};
  if (said("Unrecognized file type") || said("Corrupt PE file") || said("unsupported input file type"))
    return {"malformed", "it is no PE, MSI or CAB, or is cut short"};
  if (said("No signature found") || said("MSI file has no signature"))
    return {"unsigned", "there is no signature in it"};
  if (said("Unsupported Signer's certificate purpose"))
    return {"wrong-purpose", fmt::format("the certificate of {} is not for signing code", who)};
  // The timestamp first: without it, the time that the certificate is held against is today.
  if (said("Timestamp Server Signature verification: failed"))
    return {"untrusted-timestamp", "its timestamp leads to none of the authorities, or is not whole"};
  if (said("Signature verification: failed")) {
    if (err.find("certificate has expired") != err.npos ||
        err.find("certificate is not yet valid") != err.npos)
      return {"certificate-outside-validity",
              fmt::format("the certificate of {} is not valid {}", who,
                          said("Timestamp time:") ? "at the time of the timestamp"
                                                  : "now, and no timestamp says when it was signed")};
    if (err.find("certificate verify error") != err.npos)
      return {"untrusted-certificate", fmt::format("{} leads to none of the authorities", who)};
  } else if (exit_code == 0 && line_of(out, "Signature verification:") == "ok" &&
             !line_of(out, "Number of verified signatures:").empty()) {
    const std::string_view when = line_of(out, "Timestamp time:");
    return {"", fmt::format("signed by {}{}", who, when.empty() ? "" : ", timestamp " + printable(when, 40))};
  }
  return {"bad-signature", "osslsigncode: " + first_words(out, err, exit_code)};
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
  return read_osslsigncode(result.out, result.err, result.cut ? 1 : result.exit_code);
}

}  // namespace tranche::platform
