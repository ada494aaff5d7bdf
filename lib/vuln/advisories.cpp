#include "vuln/advisories.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "sbom/archive.hpp"
#include "vuln/zip.hpp"

namespace tranche::vuln {
namespace {

constexpr std::size_t max_depth = 16;
constexpr std::size_t max_errors = 100;
constexpr std::size_t records_worth_a_thread = 500;
constexpr unsigned most_threads = 8;

// Names of the components within their ecosystems: the first pass asks here for each package of each record.
class Index final : public Wanted {
 public:
  explicit Index(const std::vector<Package>& packages) {
    for (const Package& package : packages)
      for (const std::string& name : package.names) names_[package.family].insert(name);
  }

  [[nodiscard]] bool has(std::string_view ecosystem, std::string_view name,
                         std::string_view purl) const override {
    // As read_osv has it: the package URL names the package where ecosystem and name do not.
    if (!name.empty() && !ecosystem.empty() && ecosystem.front() != ':') {
      const auto names = names_.find(lower(ecosystem.substr(0, ecosystem.find(':'))));
      if (names == names_.end()) return false;
      return names->second.contains(name) || names->second.contains(normal_name(names->first, name));
    }
    const auto package = package_of(purl);
    if (!package) return false;
    const auto names = names_.find(package->family);
    return names != names_.end() && std::ranges::any_of(package->names, [&](const std::string& each) {
             return names->second.contains(each);
           });
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;
  std::unordered_map<std::string, Names, Hash, std::equal_to<>> names_;  // of each family
};

struct Found {
  std::size_t index;
  Advisory advisory;
};
struct Problem {
  std::size_t index;
  Error error;
};

// What one thread has read.
struct Share {
  std::set<std::string, std::less<>> families;

  std::vector<Found> found;
  std::vector<Problem> problems;
  std::size_t withdrawn = 0, problem_count = 0;
  std::string newest;  // modified time, as it is written: RFC 3339 in UTC sorts as text

  // Asks the index, and notes what the database is about at all.
  class Asker final : public Wanted {
   public:
    Asker(const Index& index, Share& share) : index_(index), share_(share) {}
    [[nodiscard]] bool has(std::string_view ecosystem, std::string_view name,
                           std::string_view purl) const override {
      if (!ecosystem.empty())
        note(ecosystem, [&] { return split_ecosystem(ecosystem).family; });
      else if (!purl.empty())
        note(kind_of(purl), [&] {
          const auto package = package_of(purl);
          return package ? package->family : std::string();
        });
      return index_.has(ecosystem, name, purl);
    }

   private:
    // "pkg:npm", "pkg:deb/debian": what its ecosystem hangs on.
    static std::string_view kind_of(std::string_view purl) {
      const std::size_t slash = purl.find('/');
      const std::string_view type = purl.substr(0, slash);
      const bool distribution = type == "pkg:deb" || type == "pkg:rpm" || type == "pkg:apk";
      return distribution && slash != purl.npos ? purl.substr(0, purl.find('/', slash + 1)) : type;
    }

    template <class FamilyOf>
    void note(std::string_view text, FamilyOf family_of) const {
      if (share_.raw_.contains(text) || share_.raw_.size() == max_noted) return;
      share_.raw_.emplace(text);
      if (std::string family = family_of(); !family.empty()) share_.families.insert(std::move(family));
    }

    const Index& index_;
    Share& share_;
  };

  void refuse(std::size_t index, Error error) {
    ++problem_count;
    if (problems.size() < max_errors) problems.push_back({index, std::move(error)});
  }

  // `name_file()` is asked for the few records that are about a component or broken.
  template <class NameFile>
  void read(std::size_t index, std::string_view text, const Index& wanted, NameFile name_file) {
    const auto skimmed = skim_osv(text, Asker(wanted, *this));
    if (!skimmed) {
      Error error = skimmed.error();
      error.message = fmt::format("{}: {}", printable(name_file()), error.message);
      return refuse(index, std::move(error));
    }
    if (skimmed->modified.ends_with('Z') && skimmed->modified > newest) newest = skimmed->modified;
    if (skimmed->withdrawn) ++withdrawn;
    if (skimmed->withdrawn || !skimmed->wanted) return;
    auto advisory = read_osv(text, name_file());
    if (!advisory) return refuse(index, std::move(advisory.error()));
    for (const Affected& affected : advisory->affected) families.insert(affected.family);
    found.push_back({index, std::move(*advisory)});
  }

 private:
  static constexpr std::size_t max_noted = 10'000;
  std::set<std::string, std::less<>> raw_;  // ecosystems and package URLs as they are written
};

// Calls read_one(share, index) for each record, on as many threads as are worth it.
template <class MakeReader>
std::vector<Share> read_all(std::size_t records, MakeReader make_reader) {
  const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  const auto threads =
      static_cast<std::size_t>(std::clamp<std::size_t>(records / records_worth_a_thread, 1, cores));
  std::vector<Share> shares(threads);
  std::atomic<std::size_t> next = 0;
  constexpr std::size_t batch = 64;
  const auto work = [&](Share& share) {
    auto read_one = make_reader();
    while (true) {
      const std::size_t start = next.fetch_add(batch);
      if (start >= records) return;
      for (std::size_t i = start; i < std::min(start + batch, records); ++i) read_one(share, i);
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&, i] { work(shares[i]); });
  work(shares[0]);
  others.clear();  // joins
  return shares;
}

Result<Database> unite(std::vector<Share> shares, std::size_t records, const std::string& path,
                       bool lenient) {
  if (records == 0)
    return fail_hint(ErrorKind::invalid, "name a directory or a .zip of OSV records (.json)",
                     "there are no advisories in '{}'", printable(path));
  Database out;
  out.records = records;
  std::vector<Found> found;
  std::vector<Problem> problems;
  std::string newest;
  for (Share& share : shares) {
    out.families.merge(share.families);
    out.withdrawn += share.withdrawn;
    newest = std::max(newest, share.newest);
    out.unreadable_count += share.problem_count;
    std::ranges::move(share.found, std::back_inserter(found));
    std::ranges::move(share.problems, std::back_inserter(problems));
  }
  if (const auto when = parse_instant(newest)) out.newest = *when;
  std::ranges::sort(problems, {}, &Problem::index);
  if (!problems.empty() && !lenient) {
    Error first = std::move(problems.front().error);
    if (out.unreadable_count > 1)
      first.message += fmt::format(" (and {} more records that cannot be read)", out.unreadable_count - 1);
    return fail(std::move(first));
  }
  for (Problem& problem : problems)
    if (out.unreadable.size() < max_errors) out.unreadable.push_back(std::move(problem.error));
  std::ranges::stable_sort(found, {},
                           [](const Found& each) { return std::tie(each.advisory.file, each.index); });
  for (Found& each : found) out.advisories.push_back(std::move(each.advisory));
  return out;
}

Result<> list_records(ports::Files& files, const std::string& directory, std::size_t depth,
                      std::vector<std::string>& out) {
  if (depth > max_depth)
    return fail_hint(ErrorKind::invalid, "name a directory nearer to the records",
                     "'{}' lies more than {} directories deep", printable(directory), max_depth);
  for (const std::string& name : TRY(files.list(directory))) {
    std::string path = join_path(directory, name);
    if (name.ends_with(".json")) {
      if (out.size() == max_records)
        return fail_hint(ErrorKind::invalid, "name a directory of one ecosystem",
                         "more than {} records below '{}'", max_records, printable(directory));
      out.push_back(std::move(path));
      continue;
    }
    const auto info = TRY(files.info(path));
    if (info && info->kind == ports::FileInfo::Kind::directory)
      TRY(list_records(files, path, depth + 1, out));
  }
  return {};
}

Result<Database> read_directory(ports::Files& files, const std::string& path, const Index& wanted,
                                bool lenient) {
  std::vector<std::string> records;
  TRY(list_records(files, path, 0, records));
  std::vector<Share> shares = read_all(records.size(), [&] {
    return [&](Share& share, std::size_t index) {
      const auto text = files.read(records[index], max_record_bytes);
      if (!text) return share.refuse(index, text.error());
      if (!*text)
        return share.refuse(index,
                            Error(ErrorKind::failed, fmt::format("'{}' is gone", printable(records[index]))));
      share.read(index, **text, wanted, [&] { return records[index]; });
    };
  });
  return unite(std::move(shares), records.size(), path, lenient);
}

Result<Database> walk_zip(std::string_view bytes, const std::string& path, const Index& wanted,
                          bool lenient) {
  std::vector<Share> shares(1);
  std::size_t records = 0;
  const sbom::ArchiveLimits limits{
      .max_entries = max_records, .max_total_bytes = 8ULL << 30, .max_entry_bytes = max_record_bytes};
  const auto passed_over = TRY(sbom::walk_archive(
      bytes, limits, [](std::string_view name, std::string_view) { return name.ends_with(".json"); },
      [&](std::string_view name, const std::string& text) -> Result<> {
        shares[0].read(records++, text, wanted, [&] { return fmt::format("{}/{}", path, name); });
        return {};
      }));
  if (passed_over > 0 && !lenient)
    return fail_hint(ErrorKind::invalid, "leave them out", "{} records of more than {} bytes in '{}'",
                     passed_over, max_record_bytes, printable(path));
  return unite(std::move(shares), records, path, lenient);
}

Result<Database> read_zip(std::string_view bytes, const std::string& path, const Index& wanted,
                          bool lenient) {
  std::vector<ZipEntry> entries = TRY(list_zip(bytes, max_records));
  std::erase_if(entries, [](const ZipEntry& entry) { return !entry.name.ends_with(".json"); });
  if (!can_inflate()) return walk_zip(bytes, path, wanted, lenient);
  std::vector<Share> shares = read_all(entries.size(), [&] {
    return [&, unpacker = std::make_unique<Unpacker>()](Share& share, std::size_t index) {
      const auto name_file = [&] { return fmt::format("{}/{}", path, entries[index].name); };
      const auto text = unpacker->unpack(entries[index], max_record_bytes);
      if (!text) return share.refuse(index, Error(text.error()).during("reading " + printable(name_file())));
      share.read(index, *text, wanted, name_file);
    };
  });
  return unite(std::move(shares), entries.size(), path, lenient);
}

}  // namespace

Result<Database> read_zip_in_order(std::string_view zip, const std::string& path,
                                   const std::vector<Package>& packages, bool lenient) {
  return walk_zip(zip, path, Index(packages), lenient);
}

Result<Database> read_advisories(ports::Files& files, const std::string& path,
                                 const std::vector<Package>& packages, bool lenient) {
  const Index wanted(packages);
  const auto info = TRY(files.info(path));
  if (!info)
    return fail_hint(ErrorKind::invalid, "name a directory or a .zip of OSV records",
                     "there are no advisories at '{}'", printable(path));
  if (info->kind != ports::FileInfo::Kind::file) return read_directory(files, path, wanted, lenient);
  const auto bytes = TRY(files.read(path, max_database_bytes));
  if (!bytes || !bytes->starts_with("PK"))
    return fail_hint(ErrorKind::invalid, "name a directory or a .zip of OSV records",
                     "'{}' is no zip archive", printable(path));
  return TRY_WHILE("reading " + printable(path), read_zip(*bytes, path, wanted, lenient));
}

}  // namespace tranche::vuln
