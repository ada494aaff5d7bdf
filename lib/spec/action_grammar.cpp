#include "spec/action_grammar.hpp"

#include <algorithm>

namespace tranche::spec {
namespace {

using Kind = ArgumentKind;
using Arguments = std::vector<ActionArgument>;

Arguments operator+(Arguments left, const Arguments& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Arguments& cluster() {
  static const Arguments arguments{
      {"rollout", Kind::text, true, "name of the Rollout object"},
      {"namespace", Kind::text, false, "by default the context's, or `default`"},
      {"server", Kind::url, false, "url of the API server; by default kubeconfig's, or the cluster's own"},
      {"token", Kind::secret, false, "bearer token; by default kubeconfig's, or the pod's own"},
      {"ca", Kind::text, false, "path of the API server's CA certificates"},
      {"kubeconfig", Kind::text, false, "path of a kubeconfig"},
      {"context", Kind::text, false, "of the kubeconfig; by default its current one"}};
  return arguments;
}

const Arguments& remote() {
  static const Arguments arguments{
      {"remote", Kind::text, true, "url or path of the repository, or the name of a remote of this one"},
      {"branch", Kind::text, false, "by default main"},
      {"token", Kind::secret, false, "for pushing over http(s)"}};
  return arguments;
}

const Arguments& github() {
  static const Arguments arguments{{"repo", Kind::text, true, "owner/name"},
                                   {"token", Kind::secret, false, "by default env:TRANCHE_GITHUB_TOKEN"},
                                   {"api", Kind::url, false, "by default https://api.github.com"}};
  return arguments;
}

const Arguments& issue() {
  static const Arguments arguments{
      {"title", Kind::text, false, "by default which release was taken back"},
      {"body", Kind::text, false, "by default why, with the gates and the journal's entry"},
      {"labels", Kind::texts, false, "added to it"},
      {"assignees", Kind::texts, false, "who is asked to look at it; a coding agent, for example"}};
  return arguments;
}

std::vector<ActionGrammar> make() {
  return {
      {"flag.set",
       "set a flag of this app",
       {{"flag", Kind::flag, true, "its name"}, {"value", Kind::any, true, "of the flag's type"}}},
      {"launchdarkly.set",
       "turn a LaunchDarkly flag on or off in an environment",
       {{"project", Kind::text, true, "its key"},
        {"environment", Kind::text, true, "its key"},
        {"flag", Kind::text, true, "its key"},
        {"value", Kind::boolean, true, "on, or off"},
        {"token", Kind::secret, false, "by default env:TRANCHE_LAUNCHDARKLY_TOKEN"},
        {"api", Kind::url, false, "by default https://app.launchdarkly.com"}}},
      {"channel.withdraw", "offer the release to nobody", {}},
      {"channel.fallback", "send the devices that have it back", {}},
      {"channel.hold",
       "pin devices: nothing above a version is offered to them",
       {{"max-version", Kind::text, false, "by default $baseline"},
        {"cohort", Kind::cohort, false, "by default everyone"}}},
      {"target.undo", "bring the baseline of a service back, by the rollout's target", {}},
      {"rollout.pause", "stop another rollout from growing", {{"rollout", Kind::rollout, true, "its name"}}},
      {"rollout.stop",
       "stop another rollout and take it back",
       {{"rollout", Kind::rollout, true, "its name"}}},
      {"http.request",
       "send an HTTP request",
       {{"method", Kind::text, false, "by default POST", {"GET", "POST", "PUT", "PATCH", "DELETE"}},
        {"url", Kind::url, true, "where to"},
        {"headers", Kind::headers, false, "names and values; values may be secret references"},
        {"body", Kind::any, false, "a text, or a map or list that is sent as JSON"},
        {"sign", Kind::signature, false,
         "{ secret: env:TRANCHE_NAME, header: X-Signature-256 }: HMAC-SHA256 of the body, as sha256=HEX"}}},
      {"run",
       "run a program; no shell reads it",
       {{"argv", Kind::argv, true, "the program and its arguments"},
        {"ask", Kind::argv, false, "a program that exits 0 when it is done already, and 1 when not"},
        {"undo", Kind::argv, false, "a program that undoes it"}}},
      {"git.commit", "commit changes of files to a branch",
       remote() + Arguments{{"edits", Kind::edits, true, "[{ file, key, value }]"},
                            {"message", Kind::text, false, "by default what and why"}}},
      {"git.tag", "tag a branch's newest commit",
       remote() + Arguments{{"name", Kind::text, true, "of the tag"},
                            {"message", Kind::text, false, "by default what and why"}}},
      {"git.revert", "revert a commit on a branch",
       remote() +
           Arguments{{"commit", Kind::text, false, "by default the last that this rollout made there"}}},
      {"github.issue", "open an issue, once a rollout", github() + issue()},
      {"github.deployment-status", "say how a deployment stands",
       github() + Arguments{{"ref", Kind::text, false, "branch, tag or commit; by default v$release"},
                            {"environment", Kind::text, false, "by default $channel"},
                            {"state",
                             Kind::text,
                             false,
                             "by default failure",
                             {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}},
                            {"description", Kind::text, false, "by default why"}}},
      {"gitlab.issue", "open an issue, once a rollout",
       Arguments{{"project", Kind::text, true, "group/name or its number"},
                 {"token", Kind::secret, false, "by default env:TRANCHE_GITLAB_TOKEN"},
                 {"api", Kind::url, false, "by default https://gitlab.com/api/v4"}} +
           issue()},
      {"pagerduty.trigger",
       "open an incident; its key is the rollout's",
       {{"routing-key", Kind::secret, true, "of the service's integration"},
        {"summary", Kind::text, false, "by default what and why"},
        {"severity", Kind::text, false, "by default critical", {"critical", "error", "warning", "info"}},
        {"component", Kind::text, false, "by default $app"},
        {"details", Kind::map, false, "custom details"},
        {"api", Kind::url, false, "by default https://events.pagerduty.com"}}},
      {"pagerduty.resolve",
       "close the rollout's incident",
       {{"routing-key", Kind::secret, true, "of the service's integration"},
        {"api", Kind::url, false, "by default https://events.pagerduty.com"}}},
      {"slack.post",
       "post to an incoming webhook",
       {{"webhook", Kind::secret, true, "its url, as a secret reference"},
        {"text", Kind::text, false, "by default what and why; $variables in it are escaped"}}},
      {"token.revoke",
       "make a credential worthless",
       {{"kind", Kind::text, true, "whose", {"oauth", "vault-lease", "vault-token", "github-installation"}},
        {"url", Kind::url, false, "revocation endpoint (oauth), or Vault's address"},
        {"token", Kind::secret, true, "the token that is revoked; vault-lease: the token that may revoke"},
        {"lease", Kind::text, false, "vault-lease: its id"},
        {"namespace", Kind::text, false, "Vault's, where it has several"},
        {"client-id", Kind::text, false, "oauth"},
        {"client-secret", Kind::secret, false, "oauth"}}},
      {"argo.abort", "abort an Argo Rollout: traffic goes back to stable", cluster()},
      {"argo.promote", "promote an Argo Rollout",
       cluster() + Arguments{{"full", Kind::boolean, false, "past all its steps"}}},
      {"argo.undo", "roll an Argo Rollout back",
       cluster() + Arguments{{"to-revision", Kind::integer, false, "by default the one before"}}},
      {"argo.pause", "pause an Argo Rollout", cluster()},
      {"argo.set-image", "set an image of an Argo Rollout",
       cluster() + Arguments{{"container", Kind::text, false, "by default all"},
                             {"image", Kind::text, true, "registry/name:tag or name@digest"}}},
      {"wait", "wait", {{"for", Kind::duration, true, "how long"}}},
      {"approval",
       "wait until people approve",
       {{"people", Kind::people, true, "who"}, {"what", Kind::text, false, "what they approve, in words"}}},
  };
}

}  // namespace

const std::vector<ActionGrammar>& action_grammar() {
  static const std::vector<ActionGrammar> all = make();
  return all;
}

const ActionGrammar* find_action_grammar(std::string_view name) {
  const auto found = std::ranges::find(action_grammar(), name, &ActionGrammar::name);
  return found == action_grammar().end() ? nullptr : &*found;
}

std::string to_text(const ActionArgument& argument) {
  std::string words;
  for (const std::string_view word : argument.words)
    words += (words.empty() ? "" : " | ") + std::string(word);
  if (!words.empty()) return words;
  switch (argument.kind) {
    case Kind::text:
      return "text";
    case Kind::any:
      return "any value";
    case Kind::boolean:
      return "true | false";
    case Kind::integer:
      return "number";
    case Kind::duration:
      return "like 30s, 5m";
    case Kind::url:
      return "http(s) address";
    case Kind::secret:
      return "secret reference";
    case Kind::texts:
      return "text or list";
    case Kind::argv:
      return "list of words";
    case Kind::map:
      return "map";
    case Kind::headers:
      return "map of texts";
    case Kind::flag:
      return "name under flags";
    case Kind::people:
      return "name under people";
    case Kind::cohort:
      return "name under cohorts";
    case Kind::rollout:
      return "name under rollouts";
    case Kind::edits:
      return "list of edits";
    case Kind::signature:
      return "{ secret, header }";
  }
  return {};
}

}  // namespace tranche::spec
