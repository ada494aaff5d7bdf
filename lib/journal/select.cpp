#include "journal/select.hpp"

#include <algorithm>
#include <deque>
#include <iterator>

#include "base/text.hpp"
#include "journal/entry.hpp"
#include "journal/tiles.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

namespace {

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool names(std::string_view text, std::string_view version) {
  const auto is_edge = [&](std::size_t at) {
    return at >= text.size() || text[at] == '/' || text[at] == ':' || text[at] == '@';
  };
  for (std::size_t at = text.find(version); at != text.npos; at = text.find(version, at + 1))
    if ((at == 0 || is_edge(at - 1)) && is_edge(at + version.size())) return true;
  return false;
}

// Entries have a bounded depth: doc::Limits.
bool value_names(const doc::Value& value, std::string_view version) {
  if (value.is_string()) return names(value.as_string(), version);
  if (value.is_array())
    return std::ranges::any_of(value.as_array(),
                               [&](const doc::Value& one) { return value_names(one, version); });
  if (value.is_object())
    return std::ranges::any_of(value.as_object(), [&](const doc::Member& member) {
      return names(member.key, version) || value_names(member.value, version);
    });
  return false;
}

// A cheap no before an entry is parsed. A text that JSON writes in another way is not looked for.
bool may_match(const Selection& selection, std::string_view bytes) {
  for (const std::string& part : {selection.by, selection.kind, selection.subject, selection.release}) {
    const bool plain = std::ranges::all_of(part, [](char c) { return c >= 0x20 && c != '"' && c != '\\'; });
    if (plain && !part.empty() && !holds(bytes, part)) return false;
  }
  return true;
}

// The first entry of [from, to) that is not before `at`; times never go back.
Result<std::uint64_t> first_since(Journal& journal, std::uint64_t from, std::uint64_t to, Instant at) {
  while (from < to) {
    const std::uint64_t middle = from + (to - from) / 2;
    if (TRY(journal.read(middle, middle + 1)).front().at < at)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

struct Range {
  std::uint64_t from = 0, to = 0;
};
Result<Range> range_of(Journal& journal, const Selection& selection) {
  Range range{selection.from, selection.to.value_or(journal.size())};
  if (range.from > range.to || range.to > journal.size())
    return fail_hint(ErrorKind::invalid, fmt::format("it has {} entries, counted from 0", journal.size()),
                     "the journal has no entries {} to {}", range.from, range.to);
  if (selection.since) range.from = TRY(first_since(journal, range.from, range.to, *selection.since));
  if (selection.until) range.to = TRY(first_since(journal, range.from, range.to, *selection.until));
  return range;
}

}  // namespace

bool names_release(const Entry& entry, std::string_view version) {
  return names(entry.subject, version) || value_names(entry.data, version) ||
         value_names(entry.state, version);
}

bool matches(const Selection& selection, const Entry& entry) {
  if (selection.since && entry.at < *selection.since) return false;
  if (selection.until && entry.at >= *selection.until) return false;
  if (!selection.by.empty() && !holds(entry.by, selection.by)) return false;
  if (!selection.kind.empty() && entry.kind != selection.kind &&
      !entry.kind.starts_with(selection.kind + "."))
    return false;
  if (!selection.subject.empty() && entry.subject != selection.subject) return false;
  return selection.release.empty() || names_release(entry, selection.release);
}

Result<> select(Journal& journal, const Selection& selection, const Found& found) {
  const Range range = TRY(range_of(journal, selection));
  for (std::uint64_t from = range.from; from < range.to;) {
    const std::uint64_t to = std::min(range.to, (from / tile_width + 1) * tile_width);
    bool go_on = true;
    TRY(journal.each(from, to, [&](std::uint64_t index, std::string_view bytes) -> Result<> {
      if (!go_on || !may_match(selection, bytes)) return {};
      const Entry entry = TRY(parse_entry(bytes));
      if (entry.index != index)
        return fail_hint(ErrorKind::verification, changed_hint, "entry {} of the journal calls itself {}",
                         index, entry.index);
      if (matches(selection, entry)) go_on = TRY(found(entry, bytes));
      return {};
    }));
    if (!go_on) return {};
    from = to;
  }
  return {};
}

Result<std::vector<Entry>> select_newest(Journal& journal, const Selection& selection, std::size_t count) {
  const Range range = TRY(range_of(journal, selection));
  std::deque<Entry> newest;
  for (std::uint64_t to = range.to; to > range.from && newest.size() < count;) {
    const std::uint64_t from = std::max(range.from, (to - 1) / tile_width * tile_width);
    Selection part = selection;
    part.since = part.until = std::nullopt;  // in the range already
    part.from = from;
    part.to = to;
    std::vector<Entry> some;
    TRY(select(journal, part, [&](const Entry& entry, std::string_view) -> Result<bool> {
      some.push_back(entry);
      return true;
    }));
    newest.insert(newest.begin(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    to = from;
  }
  const auto keep = static_cast<std::ptrdiff_t>(std::min(count, newest.size()));
  return std::vector<Entry>(std::make_move_iterator(newest.end() - keep),
                            std::make_move_iterator(newest.end()));
}

}  // namespace tranche::journal
