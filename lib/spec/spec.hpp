// tranche.yaml as typed structs: the whole grammar of PRODUCT.md, defaults included.
//
// One table (tables.cpp) describes every key: its type, default, doc line. The loader, the writer (to_value)
// and the JSON Schema are made from it, so they cannot disagree. The frozen plan of a rollout embeds
// to_value(app): what was typed comes back typed, on any runner. Every struct keeps the place it was written
// at, for messages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"
#include "spec/judges.hpp"

namespace tranche::spec {

using doc::Place;
using tranche::to_text;  // of durations and percents, beside those of this room
using Labels = std::map<std::string, std::vector<std::string>>;  // label -> accepted values (any of)

struct Artifact {
  std::string path;      // glob, relative to the repository, may hold {version}; or
  std::string image;     // container image
  std::string platform;  // "linux/amd64"; empty: from the file name, else "any"
  std::string kind;      // "electron-builder" or empty
  Place place;
};
struct Sbom {
  std::vector<std::string> formats{"cyclonedx-1.6"};
  std::vector<std::string> scan{"."};
  std::string file;  // made elsewhere
  Place place;
};
// Who may sign without a key of their own: the name in a Fulcio certificate, and who vouched for it.
struct Identity {
  std::string identity;  // as the certificate has it: an address, or the url of a workflow
  std::string issuer;    // url of the OIDC provider
  Place place;
};
struct Trust {  // paths of public keys, relative to the repository
  std::vector<std::string> root, release, feed, journal;
  std::vector<Identity> identities;  // may sign as release does
  std::string trusted_root;          // path of a Sigstore trusted_root.json; empty: keyless is not believed
  Place place;
};
struct Signing {                       // secret references: env:TRANCHE_*, file:PATH; empty: not given
  std::string release, feed, journal;  // or pkcs11:URI
  std::string passphrase;              // opens the release key; or the PIN of its token
  bool keyless = false;                // yaml: `release: { keyless: {...} }`
  std::string token;                   // keyless: where the identity token is; empty: the CI's own
  // Services. Empty: none is asked, but that keyless signing needs the first two.
  std::string fulcio, rekor, tsa;  // urls
  int rekor_version = 1;           // 1 or 2
  std::string signing_config;      // path of a Sigstore signing_config.json that names them instead
  Place place;
};
// What is known to be wrong with components, and what of it is tolerated.
struct Vulnerabilities {
  std::string advisories;        // directory or .zip of OSV records, in the repository; empty: not checked
  std::vector<std::string> vex;  // OpenVEX or CycloneDX files, or globs
  enum class Severity {
    low,
    medium,
    high,
    critical
  } severity = Severity::high;          // this and above are refused
  std::optional<Instant> ignore_until;  // findings are shown, and refuse nothing before this day
  struct Ignore {
    std::string id;  // of the advisory, or an alias of it
    Instant until{};
    std::string reason;
    Place place;
  };
  std::vector<Ignore> ignore;
  Place place;
};
// What an agent does is code too: files that make its behaviour, hashed into the release manifest.
struct Behaviour {
  std::vector<std::string> prompts, parameters, tools;  // globs in the repository
  std::vector<std::string> models;                      // directories or files of model weights
  Place place;
};
struct People {
  std::string name;
  std::vector<std::string> keys;
  int quorum = 1;
  std::string except;                             // yaml: `not`; "author" or empty
  Duration expires = std::chrono::hours(24 * 7);  // an approval is worth nothing after this
  // A protected environment of a CI stands for one person: an identity token with these claims approves.
  struct Environment {
    std::string issuer;  // url of the OIDC provider; empty: none
    std::string jwks;    // path of its keys; empty: fetched from the issuer
    std::string audience = "tranche";
    std::map<std::string, std::string> claims;  // all must be equal
  } environment;
  Place place;
};
// How an S3 bucket is reached. Keys are secret references.
struct S3 {
  std::string region = "us-east-1";
  std::string endpoint;     // http(s)://host[:port]; empty: AWS's own for the region
  bool path_style = false;  // https://host/BUCKET/key instead of https://BUCKET.host/key
  std::string access_key = "env:TRANCHE_S3_ACCESS_KEY", secret_key = "env:TRANCHE_S3_SECRET_KEY";
  std::string session_token;  // of temporary credentials; or empty
};
struct State {
  enum class Kind { git, dir, s3 } kind = Kind::git;
  std::string remote;  // git: name of a remote or a url; empty: "origin" when it exists, else local
  std::string branch = "tranche-state";  // git
  std::string directory;                 // git: below which directory of the branch; empty: its root
  std::string token;                     // git: secret reference
  std::string path;                      // dir: path; s3: BUCKET/PREFIX
  S3 s3;
  Place place;
};
// Others who sign that they have seen the journal grow, and never shrink (c2sp.org/tlog-witness).
struct Witness {
  std::string name;
  std::string key;  // verifier key: "name+hash+base64"
  std::string url;  // POST URL/add-checkpoint; empty: its signature is taken, and never asked for
  Place place;
};
struct StoreRef {
  enum class Kind { dir, git, s3 } kind = Kind::dir;
  std::string path;  // after the "dir:", "git:", "s3://"; s3: BUCKET or BUCKET/PREFIX
  S3 s3;
  bool operator==(const StoreRef& other) const { return kind == other.kind && path == other.path; }
};
Result<StoreRef> parse_store_ref(std::string_view text);
std::string to_text(const StoreRef& ref);

// What the shipped app was built with, for one feed: decides what a rollback can do there.
struct Client {
  std::string name;              // the feed
  bool allow_downgrade = false;  // electron allowDowngrade, velopack AllowVersionDowngrade, tauri's own
                                 // comparator, machines that pin the APT repository above 1000
  std::string
      channel;  // what the ecosystem calls this channel: electron "latest", velopack "win", APT a suite
  std::string package;             // velopack: PackageId; by default the app's name
  std::string component = "main";  // apt
  std::string key;           // secret reference: what signs for this ecosystem (apt: gpg, tauri: minisign,
                             // sparkle: Ed25519)
  std::string key_password;  // secret reference
  std::string staging_id;    // tauri: header or query member in which the app sends its device id
  enum class ManualChecks { allow, throttle } manual_checks = ManualChecks::allow;  // served clients
  Place place;
};
// Told after the pointer has moved, so that a CDN forgets what it holds.
struct Purge {
  std::string url;  // empty: no hook
  std::string method = "POST";
  std::string token;                           // secret reference, sent as bearer; or empty
  std::map<std::string, std::string> headers;  // env:... and file:... are secret references
};
struct Channel {
  std::string name;
  StoreRef store;
  std::string url;  // where clients read the store, for feeds that need whole addresses; or empty
  std::vector<std::string> feeds{"tranche"};  // tranche electron apt tauri sparkle velopack squirrel
  std::vector<Client> clients;                // one a feed, at most
  enum class OnUnsupported { refuse, nearest, serve } on_unsupported = OnUnsupported::refuse;
  enum class Mode { publish, observe } mode = Mode::publish;  // observe: another tool writes the feeds
  enum class OnForeignWrite { stop, adopt } on_foreign_write = OnForeignWrite::stop;
  bool latest_link = false;  // yaml: `latest-link: at 100%`: latest/NAME is the release that everyone has
  Purge purge;
  Duration expires = std::chrono::hours(24);
  Place place;
  [[nodiscard]] bool has_feed(std::string_view feed) const;
  [[nodiscard]] Client client(std::string_view feed) const;  // the defaults when nothing is written
};
struct Cohort {
  std::string name;
  Labels match;
  std::vector<std::string>
      devices;  // listed ids (yaml: `devices: [..]` or `devices: {file: PATH}` read by the loader)
  std::string feed_channel;
  std::string hold;  // max version, or empty
  Place place;
};
struct Source {
  std::string name;
  enum class Kind {
    prometheus,
    serve,
    sentry,
    datadog,
    graphite,
    influxdb,
    web,
    command,
    file
  } kind = Kind::prometheus;
  std::string url;                              // of all but command and file
  std::string token;                            // secret reference, sent as bearer; or empty
  std::string user, password;                   // basic authentication; password: secret reference
  std::map<std::string, std::string> headers;   // extra ones; env:... and file:... are secret references
  Duration lag = std::chrono::seconds(0);       // windows end this long ago, so that late samples are in
  Duration timeout = std::chrono::seconds(10);  // for one question, its retries included
  // sentry
  std::string organization, environment;
  std::vector<std::string> projects;        // numeric ids; empty: all
  std::string release = "{app}@{version}";  // how the app names its releases there
  // datadog
  std::string api_key, app_key;  // secret references
  enum class Api { v1, v2 } api = Api::v1;
  std::string aggregator = "last";  // v2 measurements: avg min max sum last ...
  // influxdb
  std::string database, retention;  // retention policy; empty: the database's own
  // web
  std::string method = "GET", body;  // body may hold $variables
  std::string json_path;             // web, command: what of the answer; a gate's query goes before it
  // command
  std::vector<std::string> argv;           // may hold $variables
  std::map<std::string, std::string> env;  // added to its environment: plain values or secret references
  // file
  std::string path;    // relative to the repository
  std::string series;  // the lines of this series only; empty: the file holds one series
  Instant start{};     // its times count from here
  Place place;
};
std::string_view to_text(Source::Kind kind);  // as tranche.yaml writes it
// What the source needs of signing::read_secret: the key it stands under, and the reference.
struct SecretReference {
  std::string key;
  std::string reference;
};
std::vector<SecretReference> secret_references(const Source& source);
bool is_secret_reference(std::string_view text);  // begins with env: or file:

struct Gate {
  std::string name;
  enum class Kind { compare, threshold, kayenta, model, argo } kind = Kind::compare;
  std::string source;  // the only source when absent
  // compare
  std::string events,
      exposure;             // queries with $arm; for a serve source: counter names ("crashes", "sessions")
  double worse_than = 1.0;  // rate ratio, "1x"
  double margin = 1.5;
  double false_rollback = 0.01;  // error rates, "1%": 0 < x <= 0.5
  double suspect_at = 0.05;
  double false_promotion = 0.05;
  Duration every = std::chrono::minutes(1);
  enum class Arms { bucket, version } arms = Arms::bucket;
  // rate: rare events an exposure. proportion: events that may be common (at most one an exposure).
  // quantile: of `histogram`, in its unit. mean: `events` is the sum of values, `exposure` their number.
  enum class Statistic { rate, proportion, quantile, mean } statistic = Statistic::rate;
  double quantile = 0.99;  // yaml: `statistic: p99`, p50 to p99.99
  std::string histogram;   // quantile: query with $arm whose series carry `le` and the window's increments
  // The same groups of devices before the release reached them: queries with $arm, and how long before.
  std::string before_events, before_exposure;
  Duration before_period = std::chrono::hours(24 * 7);
  std::string assignments;  // query with $arm: devices that were given their arm in the window; optional
  // threshold (Argo's words and counting)
  std::string query;
  std::string success_condition, failure_condition;
  Duration interval = std::chrono::minutes(1);
  Duration initial_delay{};
  int count = 0;          // 0: runs as long as the stage
  int failure_limit = 0;  // strict ">"; -1 disables
  int inconclusive_limit = 0;
  int consecutive_error_limit = 4;
  int consecutive_success_limit = 0;  // 0: none
  enum class NoData { hold, fail } no_data = NoData::hold;
  bool strict_argo = false;  // where Argo's behaviour is a trap (an empty answer), do as Argo does
  bool dry_run = false;      // of any kind: asked, counted and shown; never decides
  Kayenta kayenta;
  Model model;
  Argo argo;
  Place place;
};
struct Stage {
  std::string name;                // "pilot", "5%", "eu 20%": made from cohort and percent when not given
  std::string cohort;              // empty: everyone
  std::optional<Percent> percent;  // absent with a cohort: all of it
  DurationRange bake{std::chrono::hours(6), std::chrono::hours(24)};
  std::vector<std::string> gates;
  std::string approval;  // people who approve; empty: none
  Place place;
  [[nodiscard]] bool whole() const { return !percent || percent->everyone(); }
};
// What carries a service's release, where no channel of ours does.
struct Target {
  enum class Kind { none, argo_rollouts, gitops, command, flag } kind = Kind::none;
  // argo-rollouts: a Rollout object of Kubernetes. Without server and kubeconfig: the cluster we run in.
  std::string server, kubeconfig, context;       // url, path (may lie outside the repository), its context
  std::string token, ca;                         // secret reference; path of a PEM file
  std::string space;                             // yaml: namespace; empty: the context's, or "default"
  std::string object;                            // yaml: rollout
  std::string container = "*";                   // whose image is set; "*": all
  std::string image;                             // "images.example/notes:{version}"; may hold {digest}
  Duration progress = std::chrono::minutes(10);  // yaml: progress-deadline
  // gitops: values of files in a repository, one commit a change
  std::string remote, branch = "main";
  struct Edit {
    std::string file;                 // in that repository
    std::string key;                  // "spec.template.image", or "" for the whole file's text
    std::string value = "{version}";  // {version} {percent} {stage} {digest}
    Place place;
  };
  std::vector<Edit> edits;
  std::string repository;  // "acme/deploy": changes go through a pull request there; empty: pushed
  std::string api = "https://api.github.com";
  // command: argument lists; {version} {baseline} {percent} {stage} {key} are filled in
  std::vector<std::string> expose, finish, undo, ask;
  Duration timeout = std::chrono::minutes(10);
  // flag: one of the app's flags, of type number: gets the percent
  std::string flag;
  Place place;
};

struct Rollout {
  std::string name;
  std::string channel;  // empty: it has a target
  Target target;
  // automatic: other guinea pigs each time, except where a client always keeps them.
  enum class Salt { automatic, release, channel } salt = Salt::automatic;
  std::vector<std::string> require;  // release: { require: [...] }
  std::string window;
  std::vector<std::string> freeze;  // days without widening: "2026-12-24", "2026-12-24..2027-01-02"
  Duration max_tick_gap{};          // longer without a tick: held, and somebody is told; 0: no limit
  std::string heartbeat;            // url that every tick calls (GET), or a secret reference to one
  std::vector<Stage> stages;
  enum class OnInconclusive { hold, extend, promote } on_inconclusive = OnInconclusive::hold;
  std::string on_failure = "rollback";  // playbook
  std::string on_hold;                  // playbook that tells people: held, suspect, or waiting for approval
  // Begins only when another rollout, of any app of the file, has come so far. At most one of stage, cohort.
  std::string after_rollout, after_stage, after_cohort;
  std::map<std::string, std::string> needs;  // yaml: requires; app -> range of its baseline: ">=2.3 <3"
  bool accept_no_way_back = false;
  Place place;
};
struct Retry {
  int attempts = 1;                            // in all, 1..20
  Duration backoff = std::chrono::seconds(1);  // doubles
  Duration most = std::chrono::minutes(10);    // yaml: max-backoff
  double jitter = 0;                           // share of the backoff that chance may add, 0..1
};
// An action and its arguments.
struct Use {
  std::string uses;  // flag.set, channel.withdraw, ...; empty: none
  doc::Value with;   // object
  Place place;
};
// What must succeed after a step, asked again and again.
struct Verify : Use {
  Duration within = std::chrono::minutes(1), every = std::chrono::seconds(5);
};
struct Step {
  std::string id;    // "1-flag.set" when not given
  std::string uses;  // an action: flag.set, channel.withdraw, ...
  doc::Value with;   // object
  Retry retry;
  Duration timeout = std::chrono::seconds(60);  // of one attempt
  std::string when;                             // condition; empty: always
  Verify verify;                                // the step has failed where this does
  enum class OnFailure { go_on, abort, jump } on_failure = OnFailure::go_on;  // yaml: continue | abort | STEP
  std::string on_failure_step;                                                // jump: id of a later step
  Use compensate;        // taken, last step first, when the playbook is aborted after this step
  std::string approval;  // people who approve before it is taken
  Duration deadline{};   // for all of it, approval included; 0: none
  Place place;
};
struct Playbook {
  std::string name;
  std::vector<Step> steps;
  Duration deadline{};  // for all of it: what has not begun by then is skipped; 0: none
  Place place;
};
struct Flag {
  std::string name;
  enum class Type { boolean, text, number } type = Type::boolean;  // yaml: bool string number
  doc::Value fallback;                                             // yaml: default
  bool kill_switch = false;
  Place place;
};

// One app with everything it needs. In a file with `apps:`, keys at the top are shared by all apps that lack
// their own.
struct App {
  std::string name;
  std::vector<Artifact> artifacts;
  Sbom sbom;
  Vulnerabilities vulnerabilities;
  Behaviour behaviour;
  Trust trust;
  Signing signing;
  std::vector<People> people;
  State state;
  std::vector<Witness> witnesses_known;  // yaml: witnesses: { known, required }
  int witnesses_required = 0;            // signatures that a checkpoint must have before exposure grows
  std::vector<std::string> undo_order;   // rollouts of the file: those named first are taken back first
  std::vector<Channel> channels;
  std::vector<Cohort> cohorts;
  std::vector<Source> sources;
  std::vector<Gate> gates;
  std::vector<Rollout> rollouts;
  std::vector<Playbook> playbooks;
  std::vector<Flag> flags;
  Place place;

  // Null when there is none of that name.
  [[nodiscard]] const Channel* channel(std::string_view name) const;
  [[nodiscard]] const Cohort* cohort(std::string_view name) const;
  [[nodiscard]] const Source* source(std::string_view name) const;
  [[nodiscard]] const Gate* gate(std::string_view name) const;
  [[nodiscard]] const Rollout* rollout(std::string_view name) const;
  [[nodiscard]] const Playbook* playbook(std::string_view name) const;
  [[nodiscard]] const Flag* flag(std::string_view name) const;
};

struct Spec {
  std::string file;        // as given: "tranche.yaml"
  std::string repository;  // directory of the file: relative paths start here
  std::vector<App> apps;
  [[nodiscard]] const App* app(std::string_view name) const;
};

// Reads, parses, fills defaults, checks meaning. All errors of the file (and its includes) come at once: the
// first with the rest in Error::others, in file order; kind invalid. Never executes, connects or follows a
// path out of the repository.
Result<Spec> load(ports::Files& files, const std::string& path);
// The same over a text (tests, fuzzing); `include` is refused.
Result<Spec> parse(std::string_view yaml, const std::string& file = "tranche.yaml");
// Gates only (`gate replay|plan --file F`): a file that holds just `version` and `gates`.
Result<std::vector<Gate>> parse_gates(std::string_view yaml, const std::string& file);

// The effective app as a document in the grammar of tranche.yaml, defaults spelled out, and back.
// Deterministic.
doc::Value to_value(const App& app);
Result<App> from_value(const doc::Value& value);

// JSON Schema 2020-12 of tranche.yaml, from the same table.
doc::Value json_schema();

// What the file asks for that this build does not act on yet, for one rollout: `rollout start` refuses these.
struct Unsupported {
  std::string what;  // "feed 'electron'", "approval on stage '100%'"
  Place place;
};
std::vector<Unsupported> unsupported(const App& app, const Rollout& rollout);

// Sum over the rollout's compare gates of false-rollback (union bound), each gate counted once.
double false_rollback_sum(const App& app, const Rollout& rollout);
// Names of the rollout's gates of kind threshold: they promise nothing about errors.
std::vector<std::string> unbounded_gates(const App& app, const Rollout& rollout);

}  // namespace tranche::spec
