// One command, many kinds of signatures: each kind has a file of its own, this one has the default and the
// choice.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "artifact/collect.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundle_signer.hpp"
#include "commands/commands.hpp"
#include "commands/image.hpp"
#include "commands/minisign.hpp"
#include "commands/model.hpp"
#include "commands/notarize.hpp"
#include "commands/platform.hpp"
#include "commands/statement.hpp"
#include "commands/support.hpp"
#include "crypto/hash.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view bundle_suffix = ".sigstore.json";
constexpr std::size_t piece_bytes = 256 << 10;
constexpr std::size_t at_once = 8;          // files: a log of version 2 takes seconds for each
constexpr std::size_t files_a_batch = 512;  // written together: their bundles are held in memory

Result<> refuse_signatures(const std::vector<std::string>& paths, std::string_view suffix) {
  for (const std::string& path : paths)
    if (path.ends_with(suffix))
      return fail_hint(ErrorKind::usage, "name the file itself", "'{}' is a signature", printable(path));
  return {};
}

// Two threads would write one file.
Result<> refuse_twice(std::vector<std::string> paths) {
  std::ranges::sort(paths);
  const auto twice = std::ranges::adjacent_find(paths);
  if (twice == paths.end()) return {};
  return fail_hint(ErrorKind::usage, "name each file once", "'{}' is named twice", printable(*twice));
}

// `sign dist/*`, run again, names what the first run wrote: that is passed over, and said. A signature whose
// file is not named is a mistake.
Result<std::vector<std::string>> without_own(Context& context, const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::string_view of = path;
    if (path.ends_with(bundle_suffix)) of.remove_suffix(bundle_suffix.size());
    if (path.ends_with(sigstore::pending_suffix)) of.remove_suffix(sigstore::pending_suffix.size());
    if (of == path) {
      files.push_back(path);
      continue;
    }
    if (std::ranges::find(paths, of) == paths.end())
      return fail_hint(ErrorKind::usage, "name the file itself", "'{}' is a signature", printable(path));
    context.say("{} is passed over: it is a signature", printable(path));
  }
  return files;
}

Result<> refuse_flags(const Options& options, std::initializer_list<std::string_view> names,
                      std::string_view why) {
  for (const std::string_view name : names)
    if (options.given(name))
      return fail_hint(ErrorKind::usage, "leave it out, or choose another --format", "--{} {}", name, why);
  return {};
}

Result<std::string> sha384_of(ports::Files& files, const std::string& path) {
  auto reader = TRY(files.open(path));
  crypto::Hash hash(crypto::HashKind::sha384);
  std::string piece(piece_bytes, '\0');
  for (;;) {
    const std::size_t count = TRY(reader->read(piece.data(), piece.size()));
    if (count == 0) return hash.finish();
    hash.update({piece.data(), count});
  }
}

Result<std::vector<sigstore::FileDigest>> digest_all(Context& context, const std::vector<std::string>& paths,
                                                     sigstore::FileHash hash) {
  const std::vector<bool> with_sha512(paths.size(), hash == sigstore::FileHash::sha512);
  const auto digests = TRY(artifact::digest_files(context.world.files, paths, 0, with_sha512));
  std::vector<sigstore::FileDigest> files;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    sigstore::FileDigest file;
    file.name = base_name(paths[i]);
    file.sha256 = from_hex(digests[i].sha256).value_or("");
    file.sha512 = from_hex(digests[i].sha512).value_or("");
    if (hash == sigstore::FileHash::sha384) file.sha384 = TRY(sha384_of(context.world.files, paths[i]));
    files.push_back(std::move(file));
  }
  return files;
}

struct SignedFile {
  std::string text;  // to be written; empty: it is, or was there
  std::string signer;
  std::size_t entries = 0, timestamps = 0;
  bool resumed = false;
  bool kept = false;  // signed already
};

struct BundleJobs {
  Context& context;
  sigstore::Session& session;
  const std::vector<std::string>& paths;
  const std::vector<sigstore::FileDigest>& files;
  bool again;

  // A bundle whose signature is in a log is on disk before the next file is begun; the others wait for the
  // rest of their batch.
  [[nodiscard]] Result<SignedFile> sign_one(std::size_t i) const {
    const std::string pending = paths[i] + std::string(sigstore::pending_suffix);
    const std::string output = paths[i] + std::string(bundle_suffix);
    if (!again)
      if (const auto kept = TRY(session.find_file_signature(files[i], output, pending)))
        return SignedFile{.signer = kept->signer,
                          .entries = kept->bundle.entries.size(),
                          .timestamps = kept->bundle.timestamps.size(),
                          .kept = true};
    const sigstore::Signed made = TRY(session.sign_file(files[i], pending));
    SignedFile done{.text = sigstore::to_json(made.bundle),
                    .signer = made.signer,
                    .entries = made.bundle.entries.size(),
                    .timestamps = made.bundle.timestamps.size(),
                    .resumed = made.resumed};
    if (session.logs()) {
      TRY(context.world.files.write(output, done.text));
      done.text.clear();
      TRY(session.finish(pending));
    }
    return done;
  }
};

// Signs the files from `first` to before `last`, several at a time: what takes long is the services. After
// the first error no other file is begun.
std::optional<Error> sign_batch(const BundleJobs& jobs, std::size_t first, std::size_t last,
                                std::vector<SignedFile>& made) {
  std::atomic<std::size_t> next = first;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> error;
  const auto work = [&] {
    for (std::size_t i = next++; i < last && !failed; i = next++) {
      auto done = jobs.sign_one(i);
      if (done) {
        made[i] = std::move(*done);
        continue;
      }
      failed = true;
      const std::lock_guard guard(mutex);
      done.error().while_doing.push_back("signing " + printable(jobs.paths[i]));
      if (!error) error = std::move(done.error());
    }
  };
  std::vector<std::jthread> pool;
  for (std::size_t i = 1; i < std::min(last - first, at_once); ++i) pool.emplace_back(work);
  work();
  pool.clear();
  return error;
}

// Answers in the order of the paths. What was signed before an error is written.
Result<std::vector<SignedFile>> sign_all(const BundleJobs& jobs) {
  const std::vector<std::string>& paths = jobs.paths;
  std::vector<SignedFile> made(paths.size());
  for (std::size_t first = 0; first < paths.size(); first += files_a_batch) {
    const std::size_t last = std::min(first + files_a_batch, paths.size());
    auto error = sign_batch(jobs, first, last, made);
    std::vector<std::string> outputs;
    for (std::size_t i = first; i < last; ++i) outputs.push_back(paths[i] + std::string(bundle_suffix));
    std::vector<ports::FileWrite> writes;
    for (std::size_t i = first; i < last; ++i)
      if (!made[i].text.empty()) writes.push_back({outputs[i - first], made[i].text});
    TRY(jobs.context.world.files.write_all(writes));
    for (std::size_t i = first; i < last; ++i) std::string().swap(made[i].text);
    if (error) return fail(std::move(*error));
  }
  return made;
}

// FILE.sigstore.json beside each file.
Result<Outcome> sign_bundles(const Options& options, Context& context) {
  TRY(refuse_flags(options, {"release"}, "belongs to minisign's signatures"));
  const std::vector<std::string> paths = TRY(without_own(context, options.list("path")));
  TRY(refuse_twice(paths));
  sigstore::Session session = TRY(open_bundle_signer(options, context));
  const auto files = TRY(digest_all(context, paths, session.hash()));
  const auto signatures = context.dry_run
                              ? std::vector<SignedFile>()
                              : TRY(sign_all({context, session, paths, files, options.given("again")}));
  Table table;
  doc::Value list = doc::Value::array();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string output = paths[i] + std::string(bundle_suffix);
    doc::Value row =
        doc::Value::object({{"path", paths[i]}, {"sha256", to_hex(files[i].sha256)}, {"bundle", output}});
    std::string_view did = "would sign ";
    if (!context.dry_run) {
      const SignedFile& made = signatures[i];
      if (made.resumed) context.say("{}: carried on where an earlier run ended", printable(paths[i]));
      did = made.kept ? "already signed " : "signed ";
      row.set("signer", made.signer);
      row.set("log-entries", static_cast<std::int64_t>(made.entries));
      row.set("timestamps", static_cast<std::int64_t>(made.timestamps));
      row.set("resumed", made.resumed);
      row.set("kept", made.kept);
    }
    table.row({std::string(did) + printable(paths[i]), short_id(to_hex(files[i].sha256)), printable(output)});
    list.push(std::move(row));
  }
  return Outcome{.json = doc::Value::object(
                     {{"schema", "tranche/sign/v1"}, {"format", "bundle"}, {"files", std::move(list)}}),
                 .text = table.text()};
}

// FILE.tranche.sig: an envelope that binds the file to the app.
Result<Outcome> sign_envelopes(const Options& options, Context& context) {
  TRY(refuse_flags(options, {"key", "key-password", "release"},
                   "does not belong to --format dsse: signing: release: names the key"));
  TRY(refuse_flags(options,
                   {"keyless", "identity-token", "signing-config", "trusted-root", "trusted-ref", "again"},
                   "belongs to bundles"));
  const Loaded loaded = TRY(load_app(context, options));
  const std::vector<std::string> paths = options.list("path");
  TRY(refuse_signatures(paths, signature_suffix));
  const auto digests = TRY(artifact::digest_files(context.world.files, paths));
  const auto key = TRY(load_signing_key(context, loaded.spec, loaded.app(), signing::Role::release));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  const std::string key_id = crypto::key_id(key->public_key());
  if (trust.role_of(key_id) != signing::Role::release)
    return fail_hint(ErrorKind::denied,
                     "put its public half under trust: release:, or sign with one that stands there",
                     "key {} is no release key of app '{}': nobody would believe the signature",
                     short_id(key_id), printable(loaded.app().name));
  doc::Value files = doc::Value::array();
  Table table;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Statement statement{.app = loaded.app().name,
                              .name = base_name(paths[i]),
                              .size = digests[i].size,
                              .sha256 = digests[i].sha256};
    const std::string output = paths[i] + std::string(signature_suffix);
    if (!context.dry_run) TRY(context.world.files.write(output, TRY(sign_statement(statement, *key))));
    table.row({(context.dry_run ? "would sign " : "signed ") + printable(paths[i]),
               format_bytes(statement.size), short_id(statement.sha256), printable(output)});
    files.push(doc::Value::object(
        {{"path", paths[i]}, {"size", statement.size}, {"sha256", statement.sha256}, {"signature", output}}));
  }
  return Outcome{.json = doc::Value::object({{"schema", "tranche/sign/v1"},
                                             {"format", "dsse"},
                                             {"app", loaded.app().name},
                                             {"key-id", key_id},
                                             {"files", std::move(files)}}),
                 .text = table.text()};
}

Result<Outcome> run(const Options& options, Context& context) {
  const std::string format = options.text("format");
  if (format != "authenticode")
    TRY(refuse_flags(options, {"certificate", "timestamp"}, "belongs to --format authenticode"));
  if (format != "notary")
    TRY(refuse_flags(options, {"key-id", "issuer", "patience", "notary-url", "notary-bucket-url"},
                     "belongs to --format notary"));
  const bool images = TRY(names_images(context, options.list("path")));
  if (images && format != "bundle")
    return fail_hint(ErrorKind::usage, "leave --format out", "images are signed with bundles");
  if (!images && (options.given("registry-auth") || options.given("plain-http")))
    return fail_hint(ErrorKind::usage, "leave them out, or name an image as IMAGE@sha256:DIGEST",
                     "--registry-auth and --plain-http belong to images");
  if (images) {
    TRY(refuse_flags(options, {"release"}, "belongs to minisign's signatures"));
    return sign_images(options, context);
  }
  if (format == "bundle") return sign_bundles(options, context);
  if (format == "dsse") return sign_envelopes(options, context);
  if (format == "model") {
    TRY(refuse_flags(options, {"release"}, "belongs to minisign's signatures"));
    return sign_model(options, context);
  }
  TRY(refuse_flags(options,
                   {"keyless", "identity-token", "signing-config", "trusted-root", "trusted-ref", "again"},
                   "belongs to bundles"));
  if (format == "notary") return notarize_files(options, context);
  if (is_platform_format(format)) return sign_for_platform(options, context);
  return sign_with_minisign(options, context);
}

std::vector<Flag> flags() {
  std::vector<std::string> formats{"bundle", "dsse", "minisign", "tauri", "model"};
  for (std::string& format : platform_formats()) formats.push_back(std::move(format));
  formats.emplace_back("notary");
  std::vector<Flag> all{{.name = "format",
                         .value = "FORMAT",
                         .help = "what is written: FILE.sigstore.json, FILE.tranche.sig (dsse), "
                                 "FILE.minisig, Tauri's FILE.sig, DIRECTORY/model.sig; the others: below",
                         .default_text = "bundle",
                         .choices = std::move(formats)}};
  for (Flag& flag : bundle_signing_flags()) all.push_back(std::move(flag));
  for (Flag& flag : image_flags()) all.push_back(std::move(flag));
  for (Flag& flag : platform_signing_flags()) all.push_back(std::move(flag));
  for (Flag& flag : notary_flags()) all.push_back(std::move(flag));
  all.push_back({.name = "release",
                 .value = "VERSION",
                 .help = "the version that the files are of, in the minisign comment"});
  all.push_back(app_flag());
  return all;
}

}  // namespace

Command sign() {
  return {.name = "sign",
          .summary = "sign files and images: Sigstore bundles, with a key or keyless; minisign and others",
          .help_path = "commands/sign.md",
          .changes = true,
          .arguments = {{.name = "path",
                         .help = "files to sign, or images IMAGE@sha256:DIGEST",
                         .repeated = true}},
          .flags = flags(),
          .run = run};
}

}  // namespace tranche::commands
