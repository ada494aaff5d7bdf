#include "vuln/audit.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/text.hpp"

namespace tranche::vuln {
namespace {

// One advisory about one component.
struct Hit {
  const Advisory* advisory;
  Judgement judgement;
  Severity severity;
};

// The worst of what the entries of an advisory say: Debian has one a release, ranges may stand in several.
std::optional<Hit> judge_advisory(const Advisory& advisory, const Package& package) {
  std::optional<Hit> out;
  for (const Affected& affected : advisory.affected) {
    if (affected.family != package.family ||
        std::ranges::find(package.names, affected.name) == package.names.end() ||
        !same_release(package.family, affected.release, package.release))
      continue;
    Judgement judgement = judge(affected, package);
    if (judgement.is == Judgement::Is::unaffected) continue;
    const Severity severity = affected.severity.value_or(advisory.severity);
    if (!out) {
      out = Hit{&advisory, std::move(judgement), severity};
      continue;
    }
    const bool better =
        judgement.is == Judgement::Is::affected && out->judgement.is != Judgement::Is::affected;
    if (better) std::swap(out->judgement.why, judgement.why), out->judgement.is = judgement.is;
    std::ranges::move(judgement.fixed, std::back_inserter(out->judgement.fixed));
    out->severity = std::max(out->severity, severity);
  }
  return out;
}

std::vector<std::string> ids_of(const Advisory& advisory) {
  std::vector<std::string> out = advisory.aliases;
  out.push_back(advisory.id);
  return out;
}

// Advisories of one component that share an id, directly or through others, are one vulnerability.
std::vector<std::vector<const Hit*>> group_hits(const std::vector<Hit>& hits) {
  std::vector<std::size_t> group(hits.size());
  std::iota(group.begin(), group.end(), 0U);
  const auto root = [&](std::size_t i) {
    while (group[i] != i) i = group[i];
    return i;
  };
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < hits.size(); ++i)
    for (const std::string& id : ids_of(*hits[i].advisory)) {
      const auto [found, added] = first.emplace(id, i);
      if (!added) group[std::max(root(i), root(found->second))] = std::min(root(i), root(found->second));
    }
  std::map<std::size_t, std::vector<const Hit*>> groups;
  for (std::size_t i = 0; i < hits.size(); ++i) groups[root(i)].push_back(&hits[i]);
  std::vector<std::vector<const Hit*>> out;
  for (auto& [leader, members] : groups) out.push_back(std::move(members));
  return out;
}

void sort_unique(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
}

std::string name_of(const sbom::Component& component) {
  return component.group.empty() ? component.name : component.group + "/" + component.name;
}

Severity threshold_of(const spec::Vulnerabilities& policy) {
  using Level = spec::Vulnerabilities::Severity;
  switch (policy.severity) {
    case Level::low:
      return Severity::low;
    case Level::medium:
      return Severity::medium;
    case Level::high:
      return Severity::high;
    case Level::critical:
      return Severity::critical;
  }
  return Severity::low;
}

std::string day_of(Instant when) { return tranche::to_text(when).substr(0, 10); }

class Auditor {
 public:
  explicit Auditor(const AuditRequest& request)
      : request_(request), statements_(request.statements), threshold_(threshold_of(request.policy)) {
    for (const Advisory& advisory : request.database.advisories)
      for (const Affected& affected : advisory.affected) {
        auto& list = by_name_[affected.family + '\n' + affected.name];
        if (list.empty() || list.back() != &advisory) list.push_back(&advisory);
      }
  }

  Audit run() {
    Audit out;
    std::set<std::string> uncovered;
    for (const sbom::Component& component : request_.catalog.components) {
      ++out.components;
      const auto package = package_of(component);
      if (!package) {
        out.unchecked.push_back(component.purl.empty() ? name_of(component) : component.purl);
        continue;
      }
      if (request_.database.families.contains(package->family))
        ++out.checked;
      else
        uncovered.insert(package->family);
      const std::vector<Hit> hits = find_hits(*package);
      for (const auto& group : group_hits(hits))
        out.findings.push_back(make_finding(component, *package, group));
    }
    out.uncovered.assign(uncovered.begin(), uncovered.end());
    sort_unique(out.unchecked);
    std::ranges::sort(out.findings, [](const Finding& a, const Finding& b) {
      return std::tuple(a.status, -static_cast<int>(a.severity), std::string_view(a.purl),
                        std::string_view(a.id)) < std::tuple(b.status, -static_cast<int>(b.severity),
                                                             std::string_view(b.purl),
                                                             std::string_view(b.id));
    });
    return out;
  }

 private:
  std::vector<Hit> find_hits(const Package& package) const {
    std::vector<const Advisory*> candidates;
    for (const std::string& name : package.names)
      if (const auto found = by_name_.find(package.family + '\n' + name); found != by_name_.end())
        candidates.insert(candidates.end(), found->second.begin(), found->second.end());
    std::vector<Hit> hits;
    std::set<const Advisory*> seen;
    for (const Advisory* advisory : candidates)
      if (seen.insert(advisory).second)
        if (auto hit = judge_advisory(*advisory, package)) hits.push_back(std::move(*hit));
    std::ranges::stable_sort(hits, {}, [](const Hit& hit) { return std::string_view(hit.advisory->id); });
    return hits;
  }

  Finding make_finding(const sbom::Component& component, const Package& package,
                       const std::vector<const Hit*>& group) const {
    Finding out;
    out.component = name_of(component);
    out.version = component.version.empty() ? package.version : component.version;
    out.purl = component.purl;
    out.id = group.front()->advisory->id;
    out.undecided = true;
    std::optional<Severity> known;
    for (const Hit* hit : group) {
      for (const std::string& id : ids_of(*hit->advisory))
        if (id != out.id) out.aliases.push_back(id);
      if (hit->severity != Severity::unknown) known = std::max(known.value_or(Severity::none), hit->severity);
      out.score = std::max(out.score, hit->advisory->score);
      const bool decided = hit->judgement.is == Judgement::Is::affected;
      if (out.why.empty() || (decided && out.undecided)) out.why = hit->judgement.why;
      if (decided) out.undecided = false;
      std::ranges::copy(hit->judgement.fixed, std::back_inserter(out.fixed));
      if (out.summary.empty()) out.summary = hit->advisory->summary;
      if (out.url.empty()) out.url = hit->advisory->url;
    }
    out.severity = known.value_or(Severity::unknown);
    sort_unique(out.aliases);
    sort_unique(out.fixed);
    std::ranges::stable_sort(out.fixed, [&](const std::string& a, const std::string& b) {
      return compare_versions(package.order, a, b).value_or(std::strong_ordering::equal) < 0;
    });
    decide(component, out);
    return out;
  }

  void decide(const sbom::Component& component, Finding& finding) const {
    std::vector<std::string> ids = finding.aliases;
    ids.push_back(finding.id);
    const VexStatement* const statement =
        statements_.find(ids, {request_.catalog.main, component, request_.serial});
    if (statement != nullptr && suppresses(statement->status)) {
      finding.status = Finding::Status::suppressed;
      finding.reason = fmt::format("{} ({})", to_text(statement->status), statement->file);
      if (!statement->reason.empty()) finding.reason += ": " + statement->reason;
      return;
    }
    if (finding.severity < threshold_) {
      finding.status = Finding::Status::below;
      return;
    }
    for (const spec::Vulnerabilities::Ignore& ignore : request_.policy.ignore) {
      if (std::ranges::find(ids, ignore.id) == ids.end()) continue;
      if (request_.now < ignore.until) {
        finding.status = Finding::Status::ignored;
        finding.reason = fmt::format("until {}: {}", day_of(ignore.until), ignore.reason);
        return;
      }
      finding.reason = fmt::format("ignored until {}, which is over", day_of(ignore.until));
    }
    if (request_.policy.ignore_until && request_.now < *request_.policy.ignore_until) {
      finding.status = Finding::Status::ignored;
      finding.reason = fmt::format("nothing is refused before {}", day_of(*request_.policy.ignore_until));
    }
  }

  const AuditRequest& request_;
  VexIndex statements_;
  Severity threshold_;
  std::map<std::string, std::vector<const Advisory*>> by_name_;
};

}  // namespace

std::string_view to_text(Finding::Status status) {
  constexpr std::array<std::string_view, 4> words{"refused", "ignored", "below", "suppressed"};
  return words[static_cast<std::size_t>(status)];
}

std::size_t Audit::count(Finding::Status status) const {
  return static_cast<std::size_t>(std::ranges::count(findings, status, &Finding::status));
}

std::vector<Package> packages_of(const sbom::Catalog& catalog) {
  std::vector<Package> out;
  for (const sbom::Component& component : catalog.components)
    if (auto package = package_of(component)) out.push_back(std::move(*package));
  return out;
}

Audit audit(const AuditRequest& request) { return Auditor(request).run(); }

}  // namespace tranche::vuln
