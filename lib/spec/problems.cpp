#include "spec/problems.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/text.hpp"

namespace tranche::spec {
namespace {

constexpr std::size_t longest_excerpt = 4096;  // a one-line megabyte times a hundred errors is no message

bool same_spot(const Place& a, const Place& b) {
  return a.source == b.source && a.line == b.line && a.column == b.column;
}

}  // namespace

void Problems::add(const Place& place, std::string message, std::string hint) {
  const bool known = std::any_of(found_.begin(), found_.end(), [&](const Found& f) {
    return same_spot(f.place, place) && f.message == message;
  });
  if (known) return;
  if (full()) {
    ++dropped_;
    return;
  }
  found_.push_back({place, std::move(message), std::move(hint)});
}

void Problems::add_error(Error error) { foreign_.push_back(std::move(error)); }

void Problems::hide(const Place& place) { hidden_.push_back(place); }

bool Problems::at(const Place& place) const {
  return std::any_of(found_.begin(), found_.end(), [&](const Found& f) { return same_spot(f.place, place); });
}

bool Problems::touches(const Value& tree) const {
  if (found_.empty()) return false;
  if (tree.place.line > 0 && at(tree.place)) return true;
  if (tree.is_array())
    return std::any_of(tree.as_array().begin(), tree.as_array().end(),
                       [&](const Value& item) { return touches(item); });
  if (tree.is_object())
    return std::any_of(tree.as_object().begin(), tree.as_object().end(), [&](const doc::Member& member) {
      return (member.key_place.line > 0 && at(member.key_place)) || touches(member.value);
    });
  return false;
}

Error Problems::to_error(const Found& found) const {
  Error error(ErrorKind::invalid, found.message, found.hint);
  if (!found.place.source || found.place.line <= 0) return error;
  Mark mark = doc::to_mark(found.place);
  if (mark.excerpt.size() > longest_excerpt) mark.excerpt.clear();
  for (const Place& secret : hidden_) {
    if (secret.source != found.place.source || secret.line != mark.line) continue;
    if (mark.column > secret.column) {
      mark.excerpt.clear();
    } else if (secret.column >= 1 && static_cast<std::size_t>(secret.column) <= mark.excerpt.size()) {
      mark.excerpt.resize(static_cast<std::size_t>(secret.column - 1));
      mark.excerpt += "***";
      if (mark.column == secret.column) mark.length = 3;
    }
  }
  error.mark = std::move(mark);
  return error;
}

Error Problems::take() {
  // Files in the order in which they first had a problem, then lines; problems without a place come last.
  std::vector<const doc::Source*> files;
  for (const Found& f : found_) {
    if (f.place.source && std::find(files.begin(), files.end(), f.place.source.get()) == files.end())
      files.push_back(f.place.source.get());
  }
  const auto key = [&](const Found& f) {
    const auto file =
        f.place.source ? std::find(files.begin(), files.end(), f.place.source.get()) : files.end();
    return std::tuple(file - files.begin(), f.place.line, f.place.column);
  };
  std::stable_sort(found_.begin(), found_.end(),
                   [&](const Found& a, const Found& b) { return key(a) < key(b); });
  std::vector<Error> all;
  for (const Found& f : found_) all.push_back(to_error(f));
  std::move(foreign_.begin(), foreign_.end(), std::back_inserter(all));
  Error first = std::move(all.front());
  std::move(all.begin() + 1, all.end(), std::back_inserter(first.others));
  if (dropped_ > 0)
    first.others.emplace_back(ErrorKind::invalid, fmt::format("{} more errors are not shown", dropped_),
                              "mend these first");
  found_.clear();
  foreign_.clear();
  return first;
}

}  // namespace tranche::spec
