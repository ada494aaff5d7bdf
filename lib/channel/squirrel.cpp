// Squirrel.Windows' RELEASES: a line a package, "SHA1 name size", with "# NN%" behind it while a release is
// staged.
//
// The client (src/Squirrel/ReleaseEntry.cs, CheckForUpdateImpl.cs) drops the lines whose share its id is not
// in, and takes the highest full package of what is left. So the others get the previous release, as long as
// it has a line of its own; with no line left the client reports an error. Traps, all kept here as they are:
// the mark must end the line (a CR behind it, and everybody is in), needs a blank after '#', takes whole
// numbers of one to three digits, and older clients choke on a blank before '#'. One line that is no entry
// makes the client refuse the whole file.
#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "channel/ecosystem_list.hpp"
#include "channel/nupkg.hpp"
#include "channel/squirrel_version.hpp"

namespace tranche::channel {

namespace {

constexpr std::size_t max_lines = 20'000;
constexpr std::size_t older_releases = 20;
constexpr std::size_t sha1_digits = 40;

std::string file_name(const spec::Client& client) {
  return client.channel.empty() ? "RELEASES" : "RELEASES-" + client.channel;
}

// --- writing ---------------------------------------------------------------------------------------------

Result<std::string> describe(const DescribeInput& input) {
  const std::string facts = TRY(describe_packages(input));
  if (facts.empty()) return facts;
  for (const Package& one : TRY(parse_packages(facts))) {
    const auto version = squirrel_version_of(one.name);
    const auto wanted = parse_squirrel_version(input.version);
    if (!version || !wanted || compare_squirrel_versions(*version, *wanted) != 0)
      return fail_hint(ErrorKind::invalid,
                       "name the release like 1.2.0 or 1.2.0-rc1 (a word without dots), and the package "
                       "NAME-VERSION-full.nupkg",
                       "squirrel's clients would not read version {} out of '{}'", printable(input.version),
                       printable(one.name));
  }
  return facts;
}

std::string line_of(const Package& package, const cohort::Track* staged) {
  std::string line = fmt::format("{} {} {}", capitals(package.sha1), package.place(), package.size);
  // No blank before '#': clients older than the mark cannot read the line with one.
  if (staged != nullptr) line += fmt::format("# {}%", staged->share.ppm / (Percent::whole / 100));
  return line + "\n";
}

Result<Written> write(const WriteInput& input) {
  Written out;
  for (const cohort::Track& track : input.tracks) {
    if (track.release.empty()) {
      if (track.emptied && track.feed_channel.empty()) out.pointers.push_back({file_name(input.client), {}});
      continue;
    }
    if (!track.feed_channel.empty()) {
      out.notes.push_back(fmt::format("squirrel: cohorts are not reached apart, there is no file for {}",
                                      track.feed_channel));
      continue;
    }
    const bool staged = !track.share.everyone();
    std::vector<std::string> versions =
        versions_up_to(input, staged ? track.previous : track.release, older_releases);
    std::reverse(versions.begin(), versions.end());
    if (staged) std::erase(versions, track.release);
    if (staged && versions.empty())
      out.notes.emplace_back(
          "squirrel: there is no previous release in the file, so whoever is not reached gets an error");
    versions.push_back(track.release);
    if (!staged) versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
    std::string text;
    for (const std::string& version : versions) {
      auto packages = TRY(packages_of(input, version));
      if (packages.empty() && version == track.release)
        out.notes.push_back(fmt::format("squirrel: release {} has no package", printable(version)));
      std::stable_sort(packages.begin(), packages.end(),
                       [](const Package& a, const Package& b) { return a.delta && !b.delta; });
      for (const Package& one : packages)
        text += line_of(one, staged && version == track.release ? &track : nullptr);
    }
    out.pointers.push_back({file_name(input.client), std::move(text)});
  }
  return out;
}

// --- reading ---------------------------------------------------------------------------------------------

struct Entry {
  Package package;
  SquirrelVersion version;
  int percent = -1;    // -1: everybody
  std::string url;     // as written
  std::string mark;    // what stands behind '#', when it says nothing
  bool blank = false;  // before '#'
};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> refuse(const std::string& name, std::size_t line, std::string_view what) {
  return fail_hint(ErrorKind::verification,
                   "a line is `SHA1 NAME SIZE`; one bad line spoils the file for every client", "{}:{}: {}",
                   printable(name), line, what);
}

// #\s+(\d{1,3})%$ anywhere in the line.
int staged_percent(std::string_view line) {
  if (!line.ends_with('%')) return -1;
  line.remove_suffix(1);
  std::size_t digits = 0;
  while (digits < 3 && digits < line.size() && is_digit(line[line.size() - 1 - digits])) ++digits;
  if (digits == 0) return -1;
  const std::string_view number = line.substr(line.size() - digits);
  line.remove_suffix(digits);
  std::size_t blanks = 0;
  while (blanks < line.size() && is_blank(line[line.size() - 1 - blanks])) ++blanks;
  if (blanks == 0 || blanks == line.size() || line[line.size() - 1 - blanks] != '#') return -1;
  return static_cast<int>(*parse_u64(number));
}

// ^([0-9a-fA-F]{40})\s+(\S+)\s+(\d+)[\r]*$
bool split_entry(std::string_view text, Entry& entry) {
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() <= sha1_digits) return false;
  const auto digest = from_hex(text.substr(0, sha1_digits));
  if (!digest) return false;
  entry.package.sha1 = lower(text.substr(0, sha1_digits));
  text.remove_prefix(sha1_digits);
  std::size_t at = 0;
  while (at < text.size() && is_blank(text[at])) ++at;
  std::size_t end = at;
  while (end < text.size() && !is_blank(text[end])) ++end;
  std::size_t size = end;
  while (size < text.size() && is_blank(text[size])) ++size;
  if (at == 0 || end == at || size == end) return false;
  const auto bytes = parse_u64(text.substr(size));
  if (!bytes || *bytes > 0x7FFF'FFFF'FFFF'FFFF) return false;
  entry.package.name = text.substr(at, end - at);
  entry.package.size = *bytes;
  return true;
}

Result<std::optional<Entry>> parse_line(const std::string& name, std::string_view base_url,
                                        std::size_t number, std::string_view line) {
  if (std::all_of(line.begin(), line.end(), is_blank)) return std::optional<Entry>();
  Entry entry;
  entry.percent = staged_percent(line);
  const std::size_t hash = line.find('#');
  std::string_view rest = line.substr(0, hash);
  if (hash != std::string_view::npos) {
    entry.blank = hash > 0 && is_blank(line[hash - 1]);
    if (entry.percent < 0) entry.mark = line.substr(hash);
    while (!rest.empty() && is_blank(rest.back())) rest.remove_suffix(1);
  }
  if (std::all_of(rest.begin(), rest.end(), is_blank)) return std::optional<Entry>();
  if (!split_entry(rest, entry))
    return refuse(name, number, fmt::format("'{}' is no entry", printable(line, 80)));
  std::string& file = entry.package.name;
  entry.url = file;
  if (is_web_address(file)) {
    const std::string below = name_below(base_url, file);
    entry.package.path = below.empty() ? file : below;
    file = file.substr(0, file.find('?'));
    file = file.substr(file.rfind('/') + 1);
    if (entry.package.path == file) entry.package.path.clear();
  }
  if (file.find_first_of("\"/\\<>|:*?") != std::string::npos)
    return refuse(name, number,
                  fmt::format("'{}' is neither a file name nor a web address", printable(file, 80)));
  const auto version = squirrel_version_of(file);
  if (!version) return refuse(name, number, fmt::format("'{}' carries no version", printable(file, 80)));
  entry.version = *version;
  entry.package.version = version->text;
  entry.package.delta = is_delta_package(file);
  entry.package.id = file.substr(0, file.find(version->text) - (file.find(version->text) > 0 ? 1 : 0));
  return std::optional(std::move(entry));
}

class SquirrelView final : public View {
 public:
  SquirrelView(Named file, std::vector<Entry> entries)
      : files_{std::move(file)}, entries_(std::move(entries)) {
    for (const Entry& one : entries_)
      if (!one.package.delta) fulls_.push_back(&one);
    std::stable_sort(fulls_.begin(), fulls_.end(), [](const Entry* a, const Entry* b) {
      return compare_squirrel_versions(a->version, b->version) > 0;
    });
    for (const Entry& one : entries_) {
      auto found = std::find_if(releases_.begin(), releases_.end(), [&](const NamedRelease& release) {
        return release.version == one.package.version;
      });
      if (found == releases_.end()) found = releases_.insert(found, {one.package.version, "any", {}});
      const std::string& place = one.package.place();
      found->files.push_back({one.url,
                              is_web_address(place) ? std::string() : place,
                              one.package.size,
                              {{"sha1", one.package.sha1}}});
    }
    std::stable_sort(releases_.begin(), releases_.end(), [](const NamedRelease& a, const NamedRelease& b) {
      return compare_squirrel_versions(parse_squirrel_version(a.version).value_or(SquirrelVersion{}),
                                       parse_squirrel_version(b.version).value_or(SquirrelVersion{})) > 0;
    });
  }
  SquirrelView(const SquirrelView&) = delete;
  SquirrelView& operator=(const SquirrelView&) = delete;

  Answer ask(const Asker& asker) const override {
    bool refused = false;
    for (const Entry* one : fulls_) {
      if (one->percent >= 0 && !cohort::squirrel_admits(asker.id, one->percent)) {
        refused = true;
        continue;
      }
      const std::string_view not_in = asker.id.empty() ? "no-id" : "not-admitted";
      if (!asker.running.empty()) {
        const auto running = parse_squirrel_version(asker.running);
        const int order = running ? compare_squirrel_versions(one->version, *running) : 1;
        if (order == 0) return {{}, refused ? not_in : "running"};
        if (order < 0) return {{}, "newer"};
      }
      return {one->package.version, refused ? not_in : one->percent < 0 ? "everyone" : "admitted"};
    }
    return {{}, refused ? (asker.id.empty() ? "no-id" : "not-admitted") : "nothing"};
  }

  std::vector<std::string> explain(const Asker& asker) const override {
    std::vector<std::string> out;
    for (const Entry* one : fulls_) {
      if (one->percent < 0) {
        out.push_back(fmt::format("{} has no mark: it is for everybody", one->package.version));
        break;
      }
      const bool in = cohort::squirrel_admits(asker.id, one->percent);
      out.push_back(
          fmt::format("{} is marked {}%: the last four bytes of the id '{}' as a little-endian number are {}",
                      one->package.version, one->percent, printable(asker.id, 60),
                      in ? "below that share: it is in" : "not below that share: it is not in"));
      if (in) break;
    }
    const Answer answer = ask(asker);
    if (answer.reason == "newer") out.emplace_back("what it runs is newer, and Squirrel never goes back");
    if (!answer.offered.empty())
      out.push_back(fmt::format("{} is offered", answer.offered));
    else
      out.emplace_back(fulls_.empty() ? "the file names no full package: the client reports an error"
                                      : "nothing is offered");
    return out;
  }

  const std::vector<Named>& files() const override { return files_; }
  const std::vector<NamedRelease>& releases() const override { return releases_; }
  double share() const override {
    const Entry* top = highest_reaching();
    return top == nullptr ? 0 : top->percent < 0 || top->percent > 100 ? 1 : top->percent / 100.0;
  }
  std::string offers() const override {
    const Entry* top = highest_reaching();
    return top == nullptr ? std::string() : top->package.version;
  }
  std::vector<Remark> audit(Instant now) const override;

  Result<std::string> facts(const std::string& version) const override {
    std::vector<Package> own;
    for (const Entry& one : entries_)
      if (one.package.version == version && !is_web_address(one.package.place())) own.push_back(one.package);
    if (own.empty())
      return fail_hint(ErrorKind::invalid, "`tranche feed audit` lists what it names",
                       "{} names no package of version {} beside it", files_.front().name,
                       printable(version));
    return write_packages(own);
  }

 private:
  const Entry* highest_reaching() const {
    for (const Entry* one : fulls_)
      if (one->percent != 0) return one;
    return nullptr;
  }

  std::vector<Named> files_;
  std::vector<Entry> entries_;
  std::vector<const Entry*> fulls_;  // highest version first
  std::vector<NamedRelease> releases_;
};

std::vector<Remark> SquirrelView::audit(Instant /*now*/) const {
  std::vector<Remark> out;
  const auto add = [&](Level level, const char* code, std::string text, std::string hint = {}) {
    out.push_back({level, code, std::move(text), std::move(hint)});
  };
  add(Level::warning, "unsigned",
      "the file carries no signature and names packages by SHA-1, of which collisions can be made",
      "sign the executables; a statement signed by tranche lies beside the files that it publishes");
  add(Level::warning, "unrecoverable", "clients never go back to a lower version",
      "prepare a fallback release: the old code under a higher version");
  add(Level::note, "same-devices-first",
      "the id's last four bytes decide, without the version: the same devices are first at every release");
  if (fulls_.empty())
    add(Level::problem, "empty", "there is no full package in the file: every client reports an error");
  else if (std::all_of(fulls_.begin(), fulls_.end(), [](const Entry* one) { return one->percent >= 0; }))
    add(Level::problem, "no-fallback",
        fmt::format("all {} full packages are marked with a share: a client that is in none reports an error",
                    fulls_.size()),
        "keep a line of the previous release without a mark");
  for (const Entry& one : entries_) {
    const std::string name = printable(one.package.name, 80);
    if (one.percent == 100)
      add(Level::note, "not-everyone",
          fmt::format("{} at 100% leaves out the id that ends in ffffffff", name), "drop the mark to finish");
    if (one.percent > 100)
      add(Level::warning, "over-100", fmt::format("{} is marked {}%: everybody is in", name, one.percent));
    if (one.mark.find('%') != std::string::npos)
      add(Level::problem, "unread-share",
          fmt::format("the mark '{}' of {} says nothing to a client: everybody is in",
                      printable(one.mark, 40), name),
          one.mark.ends_with('\r') ? "write the file with LF line ends: a CR behind % hides the mark"
                                   : "write `# NN%` with a blank, one to three digits and nothing behind");
    if (one.blank)
      add(Level::warning, "blank-before-mark",
          fmt::format("there is a blank before '#' on the line of {}: old clients refuse the whole file",
                      name));
    if (one.url.starts_with("http://"))
      add(Level::warning, "plain-http", fmt::format("{} is fetched without TLS", name));
    for (const Entry* full : fulls_)
      if (one.package.delta && full->package.version == one.package.version && full->percent != one.percent)
        add(Level::warning, "uneven", fmt::format("{} has another share than its full package", name));
  }
  return out;
}

Result<std::unique_ptr<View>> read(const ReadInput& input) {
  const std::string name = input.file.empty() ? file_name(input.client) : input.file;
  auto bytes = TRY(input.fetch(name, max_ecosystem_file));
  if (!bytes) return std::unique_ptr<View>();
  std::string_view text = *bytes;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<Entry> entries;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (++number > max_lines) return refuse(name, number, fmt::format("more than {} lines", max_lines));
    if (auto entry = TRY(parse_line(name, input.base_url, number, line)))
      entries.push_back(std::move(*entry));
  }
  return std::unique_ptr<View>(
      std::make_unique<SquirrelView>(Named{name, std::move(*bytes)}, std::move(entries)));
}

}  // namespace

Ecosystem squirrel() { return {"squirrel", describe, package_aliases, write, read}; }

}  // namespace tranche::channel
