// Finding the cluster: kubeconfig
// (kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig), and the files that a pod
// has of its service account.
#include <algorithm>
#include <array>

#include "actions/kube.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "signing/keys.hpp"

namespace tranche::actions {
namespace {

constexpr std::size_t max_config_bytes = 1 << 20;
constexpr std::size_t max_pem_bytes = 1 << 20;
constexpr std::size_t max_token_bytes = 64 << 10;
constexpr std::string_view pod_account = "/var/run/secrets/kubernetes.io/serviceaccount/";

std::string absolute(const std::string& base, const std::string& path) {
  return path.starts_with('/') || base.empty() ? path : base + "/" + path;
}

Result<std::string> read_whole(ports::World& world, const std::string& path, std::size_t most) {
  auto bytes = TRY(world.files.read(path, most));
  if (!bytes)
    return fail_hint(ErrorKind::invalid, "check the path", "there is no file '{}'", printable(path));
  return std::move(*bytes);
}

Result<std::string> read_authorities(ports::World& world, const std::string& path) {
  std::string pem = TRY(read_whole(world, path, max_pem_bytes));
  if (pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return fail_hint(ErrorKind::invalid, "write the path of a PEM file of certificates",
                     "'{}' holds no certificate", printable(path));
  return pem;
}

bool is_loopback(std::string_view server) {
  std::string_view host = server.substr(server.find("://") + 3);
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find_first_of(":/"));
  return host == "localhost" || host.starts_with("127.");
}

Result<> check_access(ClusterAccess& access) {
  while (access.server.ends_with('/')) access.server.pop_back();
  const bool encrypted = access.server.starts_with("https://");
  if (!encrypted && !access.server.starts_with("http://"))
    return fail_hint(ErrorKind::invalid, "write it like https://host:6443",
                     "'{}' is no address of an API server", printable(access.server));
  if (!encrypted && !is_loopback(access.server) && (!access.token.empty() || !access.client_key.empty()))
    return fail_hint(ErrorKind::denied, "use its https address",
                     "the credentials would cross the network in clear to '{}'", printable(access.server));
  return {};
}

// One kubeconfig and what is asked of it.
class Kubeconfig {
 public:
  Kubeconfig(ports::World& world, std::string path, doc::Value root)
      : world_(world), path_(std::move(path)), root_(std::move(root)) {}

  Result<ClusterAccess> access(const std::string& wanted) {
    const std::string context_name = wanted.empty() ? TRY(root_.text_or("current-context", "")) : wanted;
    if (context_name.empty())
      return fail_hint(ErrorKind::invalid, "write context: NAME", "kubeconfig '{}' has no current context",
                       printable(path_));
    const doc::Value* context = TRY(named("contexts", "context", context_name));
    const std::string cluster_name = TRY(context->text("cluster"));
    const std::string user_name = TRY(context->text_or("user", ""));
    ClusterAccess access;
    if (const std::string space = TRY(context->text_or("namespace", "")); !space.empty())
      access.space = space;
    TRY_WHILE(
        fmt::format("reading cluster '{}' of kubeconfig '{}'", printable(cluster_name, 64), printable(path_)),
        read_cluster(*TRY(named("clusters", "cluster", cluster_name)), access));
    if (!user_name.empty())
      TRY_WHILE(
          fmt::format("reading user '{}' of kubeconfig '{}'", printable(user_name, 64), printable(path_)),
          read_user(*TRY(named("users", "user", user_name)), access));
    return access;
  }

 private:
  // clusters: [{ name, cluster: {...} }], and so on.
  Result<const doc::Value*> named(std::string_view list, std::string_view member, const std::string& name) {
    std::vector<std::string> names;
    if (const doc::Value* all = root_.find(list); all != nullptr && all->is_array())
      for (const doc::Value& one : all->as_array()) {
        const doc::Value* its = one.find("name");
        if (its == nullptr || !its->is_string()) continue;
        names.push_back(its->as_string());
        if (const doc::Value* found = one.find(member); its->as_string() == name && found != nullptr)
          return found;
      }
    const std::string near = nearest(name, names);
    return fail_hint(
        ErrorKind::invalid,
        near.empty() ? "kubectl config view shows what there is" : "did you mean '" + near + "'?",
        "kubeconfig '{}' has no {} '{}'", printable(path_), member, printable(name, 64));
  }

  Result<> refuse(const doc::Value& where, std::initializer_list<std::string_view> keys,
                  std::string_view hint) {
    for (const std::string_view key : keys)
      if (const doc::Value* found = where.find(key);
          found != nullptr && !found->is_null() && !(found->is_bool() && !found->as_bool()))
        return fail_hint(ErrorKind::invalid, std::string(hint), "'{}' is not supported", key);
    return {};
  }

  // KEY-data holds it in base64, KEY names a file beside the kubeconfig.
  Result<std::string> data_or_file(const doc::Value& where, const std::string& key) {
    if (const std::string data = TRY(where.text_or(key + "-data", "")); !data.empty()) {
      auto bytes = from_base64(data);
      if (!bytes)
        return fail_hint(ErrorKind::invalid, "write the PEM file in base64", "'{}-data' is no base64", key);
      return std::move(*bytes);
    }
    const std::string path = TRY(where.text_or(key, ""));
    if (path.empty()) return std::string();
    return read_whole(world_, beside(path), max_pem_bytes);
  }

  [[nodiscard]] std::string beside(const std::string& path) const {
    return absolute(path_.substr(0, path_.rfind('/')), path);
  }

  Result<> read_cluster(const doc::Value& cluster, ClusterAccess& access) {
    TRY(refuse(cluster, {"insecure-skip-tls-verify"},
               "give it the cluster's certificate-authority: an unchecked server could be anybody"));
    TRY(refuse(cluster, {"proxy-url"}, "set HTTPS_PROXY"));
    TRY(refuse(cluster, {"tls-server-name"}, "use an address that the certificate names"));
    access.server = TRY(cluster.text("server"));
    access.authorities = TRY(data_or_file(cluster, "certificate-authority"));
    return {};
  }

  Result<> read_user(const doc::Value& user, ClusterAccess& access) {
    TRY(refuse(user, {"exec", "auth-provider"},
               "make a token for a service account (kubectl create token) and give it as token: "
               "env:TRANCHE_KUBE_TOKEN with server: and ca:"));
    TRY(refuse(user, {"username", "password"}, "API servers take no passwords any more: use a token"));
    TRY(refuse(user, {"as", "as-uid", "as-groups", "as-user-extra"}, "use a context of that user itself"));
    if (const std::string token = TRY(user.text_or("token", "")); !token.empty()) {
      access.token = Secret(token);
    } else if (const std::string path = TRY(user.text_or("tokenFile", "")); !path.empty()) {
      access.token = Secret(std::string(trim(TRY(read_whole(world_, beside(path), max_token_bytes)))));
    }
    access.client_certificate = TRY(data_or_file(user, "client-certificate"));
    access.client_key = Secret(TRY(data_or_file(user, "client-key")));
    if (access.client_certificate.empty() != access.client_key.empty())
      return fail_hint(ErrorKind::invalid, "give both", "a client certificate and its key belong together");
    return {};
  }

  ports::World& world_;
  std::string path_;
  doc::Value root_;
};

Result<ClusterAccess> from_kubeconfig(ports::World& world, const std::string& path,
                                      const std::string& context) {
  const std::string text = TRY(read_whole(world, path, max_config_bytes));
  doc::Value root = TRY_WHILE("reading kubeconfig '" + printable(path) + "'", doc::parse_yaml(text, path));
  return Kubeconfig(world, path, std::move(root)).access(context);
}

Result<ClusterAccess> from_pod(ports::World& world, const std::string& host) {
  ClusterAccess access;
  const std::string port = world.environ.get("KUBERNETES_SERVICE_PORT").value_or("443");
  const bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  access.server = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
  const std::string account(pod_account);
  access.token = Secret(std::string(trim(TRY(read_whole(world, account + "token", max_token_bytes)))));
  access.authorities = TRY(read_authorities(world, account + "ca.crt"));
  const auto space = TRY(world.files.read(account + "namespace", 1024));
  if (space && !trim(*space).empty()) access.space = trim(*space);
  return access;
}

Result<ClusterAccess> from_options(ports::World& world, const std::string& repository,
                                   const ClusterOptions& options) {
  ClusterAccess access;
  access.server = options.server;
  if (!options.token.empty()) access.token = TRY(signing::read_secret(world, repository, options.token));
  if (!options.ca.empty())
    access.authorities = TRY(read_authorities(world, absolute(repository, options.ca)));
  return access;
}

Result<ClusterAccess> find_any(ports::World& world, const std::string& repository,
                               const ClusterOptions& options) {
  if (!options.server.empty()) {
    if (!options.kubeconfig.empty() || !options.context.empty())
      return fail_hint(ErrorKind::invalid, "write server, token and ca; or kubeconfig and context",
                       "a server beside a kubeconfig would be sent its credentials");
    return from_options(world, repository, options);
  }
  if (!options.token.empty() || !options.ca.empty())
    return fail_hint(ErrorKind::invalid, "write the server's url too",
                     "a token or CA without a server is used for none");
  if (!options.kubeconfig.empty())
    return from_kubeconfig(world, absolute(repository, options.kubeconfig), options.context);
  if (const auto host = world.environ.get("KUBERNETES_SERVICE_HOST");
      host && !host->empty() && options.context.empty())
    return from_pod(world, *host);
  if (const auto set = world.environ.get("KUBECONFIG"); set && !set->empty()) {
    if (set->find(':') != std::string::npos)
      return fail_hint(ErrorKind::invalid, "write kubeconfig: PATH", "KUBECONFIG names several files");
    return from_kubeconfig(world, absolute(repository, *set), options.context);
  }
  const auto home = world.environ.get("HOME");
  const std::string usual = home.value_or("") + "/.kube/config";
  if (home && TRY(world.files.info(usual))) return from_kubeconfig(world, usual, options.context);
  return fail_hint(ErrorKind::invalid,
                   "write server: https://HOST:6443 with token: and ca:, or kubeconfig: PATH",
                   "there is no cluster to talk to: no kubeconfig, and this is no pod");
}

}  // namespace

Result<ClusterAccess> find_cluster(ports::World& world, const std::string& repository,
                                   const ClusterOptions& options) {
  ClusterAccess access = TRY(find_any(world, repository, options));
  if (!options.space.empty()) access.space = options.space;
  TRY(check_access(access));
  return access;
}

ClusterNeeds needs_of_cluster(const std::string& repository, const ClusterOptions& options) {
  ClusterNeeds needs;
  if (!options.token.empty()) needs.secrets.push_back(options.token);
  if (!options.ca.empty()) needs.files.push_back(absolute(repository, options.ca));
  if (!options.kubeconfig.empty()) needs.files.push_back(absolute(repository, options.kubeconfig));
  if (!options.server.empty()) needs.urls.push_back(options.server);
  return needs;
}

}  // namespace tranche::actions
