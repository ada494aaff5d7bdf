// electron-updater's dice.
//
// The problem: a share in a latest.yml is not a number but whatever parseInt makes of what YAML made of it,
// and the id is read with a table of lower-case pairs only. An exact answer needs both quirks.
//
// Source: electron-userland/electron-builder, packages/electron-updater/src/AppUpdater.ts isStagingMatch, and
// packages/builder-util-runtime/src/uuid.ts check and parse.
#include "cohort/electron.hpp"

#include <cstdint>

#include "cohort/clients.hpp"

namespace tranche::cohort {

namespace {

constexpr std::size_t uuid_length = 36;
constexpr double highest_draw = 4294967295.0;  // 0xFFFFFFFF

bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

// Digits of an id are random: a branch on each would be guessed wrong half of the time.
constexpr std::array<signed char, 256> hex_values = [] {
  std::array<signed char, 256> values{};
  values.fill(-1);
  constexpr std::string_view lower = "0123456789abcdef";
  constexpr std::string_view upper = "0123456789ABCDEF";
  for (std::size_t value = 0; value < lower.size(); ++value)
    for (const char digit : {lower[value], upper[value]})
      values[static_cast<unsigned char>(digit)] = static_cast<signed char>(value);
  return values;
}();

int hex_digit(char c) { return hex_values[static_cast<unsigned char>(c)]; }

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_length) return false;
  for (std::size_t at = 0; at < uuid_length; ++at)
    if (is_dash(at) ? text[at] != '-' : hex_digit(text[at]) < 0) return false;
  return true;
}

// The table that UUID.parse looks pairs up in holds lower case only: a pair with a capital is nothing, and
// nothing written into a Buffer is 0.
std::uint32_t pair_value(char high, char low) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'F'; };
  if (capital(high) || capital(low)) return 0;
  return static_cast<std::uint32_t>(hex_digit(high) * 16 + hex_digit(low));
}

// Length of the white space that `text` begins with, 0 for none: ECMAScript's WhiteSpace and LineTerminator.
std::size_t blank_length(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.empty()) return 0;
  if ((text[0] >= '\t' && text[0] <= '\r') || text[0] == ' ') return 1;
  for (const std::string_view wide :
       {"\u00a0"sv, "\u1680"sv, "\u2000"sv, "\u2001"sv, "\u2002"sv, "\u2003"sv, "\u2004"sv, "\u2005"sv,
        "\u2006"sv, "\u2007"sv, "\u2008"sv, "\u2009"sv, "\u200a"sv, "\u2028"sv, "\u2029"sv, "\u202f"sv,
        "\u205f"sv, "\u3000"sv, "\ufeff"sv})
    if (text.starts_with(wide)) return wide.size();
  return 0;
}

}  // namespace

std::optional<std::array<unsigned char, 16>> parse_uuid(std::string_view text) {
  if (!is_uuid(text)) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  std::size_t digit = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int value = hex_digit(c);
    unsigned char& byte = bytes[digit / 2];
    byte = static_cast<unsigned char>(digit % 2 == 0 ? value << 4 : byte | value);
    ++digit;
  }
  return bytes;
}

std::optional<double> parse_int(std::string_view text) {
  while (const std::size_t blank = blank_length(text)) text.remove_prefix(blank);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  double value = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
    value = value * 10 + (text.front() - '0');
  return negative ? -value : value;
}

bool ElectronDice::admits(std::string_view user_id) const {
  if (everyone_) return true;
  if (!is_uuid(user_id)) return false;
  std::uint32_t draw = 0;
  for (std::size_t at = 28; at < uuid_length; at += 2)
    draw = draw << 8 | pair_value(user_id[at], user_id[at + 1]);
  return draw / highest_draw < share_;
}

ElectronDice::ElectronDice(std::optional<std::string_view> staging_percentage) {
  const auto percent = staging_percentage ? parse_int(*staging_percentage) : std::nullopt;
  everyone_ = !percent.has_value();
  share_ = percent.value_or(100) / 100;
}

double ElectronDice::share() const {
  if (everyone_ || share_ > 1) return 1;
  if (share_ == 1) return highest_draw / (highest_draw + 1);
  return share_ > 0 ? share_ : 0;
}

bool electron_admits(std::string_view user_id, std::optional<std::string_view> staging_percentage) {
  return ElectronDice(staging_percentage).admits(user_id);
}

}  // namespace tranche::cohort
