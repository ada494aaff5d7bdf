#include "channel/gzip.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tranche::channel {

namespace {

constexpr std::size_t shortest_match = 3, longest_match = 258, window = 32768;
constexpr std::size_t longest_search = 64;  // places that are looked at for one match
constexpr std::size_t hash_size = 1 << 15;

// RFC 1951, 3.2.5: what a length or distance code stands for, and the bits behind it.
struct Code {
  std::uint16_t base;
  std::uint8_t extra;
};
constexpr std::array<Code, 29> lengths{
    {{3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
     {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
     {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}}};
constexpr std::array<Code, 30> distances{
    {{1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
     {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
     {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
     {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}}};

template <std::size_t N>
std::size_t code_of(const std::array<Code, N>& codes, std::size_t value) {
  std::size_t code = 0;
  while (code + 1 < N && codes[code + 1].base <= value) ++code;
  return code;
}

class Bits {
 public:
  explicit Bits(std::string& out) : out_(out) {}
  void put(std::uint32_t value, unsigned count) {  // lowest bit first
    held_ |= static_cast<std::uint64_t>(value) << used_;
    for (used_ += count; used_ >= 8; used_ -= 8, held_ >>= 8) out_ += static_cast<char>(held_ & 0xff);
  }
  void put_huffman(std::uint32_t code, unsigned count) {  // highest bit first
    std::uint32_t turned = 0;
    for (unsigned i = 0; i < count; ++i) turned |= (code >> i & 1U) << (count - 1 - i);
    put(turned, count);
  }
  void end() {
    if (used_ > 0) put(0, 8 - used_);
  }

 private:
  std::string& out_;
  std::uint64_t held_ = 0;
  unsigned used_ = 0;
};

// The fixed code of a literal or length, RFC 1951, 3.2.6.
void put_symbol(Bits& bits, std::uint32_t symbol) {
  if (symbol < 144) return bits.put_huffman(0x30 + symbol, 8);
  if (symbol < 256) return bits.put_huffman(0x190 + symbol - 144, 9);
  if (symbol < 280) return bits.put_huffman(symbol - 256, 7);
  bits.put_huffman(0xc0 + symbol - 280, 8);
}

void put_match(Bits& bits, std::size_t length, std::size_t distance) {
  const std::size_t l = code_of(lengths, length), d = code_of(distances, distance);
  put_symbol(bits, static_cast<std::uint32_t>(257 + l));
  bits.put(static_cast<std::uint32_t>(length - lengths[l].base), lengths[l].extra);
  bits.put_huffman(static_cast<std::uint32_t>(d), 5);
  bits.put(static_cast<std::uint32_t>(distance - distances[d].base), distances[d].extra);
}

// Places of the same three bytes, newest first.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text), newest_(hash_size, -1), older_(text.size(), -1) {}
  struct Match {
    std::size_t length = 0, distance = 0;
  };
  [[nodiscard]] Match longest(std::size_t at) const {
    Match best;
    if (at + shortest_match > text_.size()) return best;
    const std::size_t most = std::min(longest_match, text_.size() - at);
    std::int64_t place = newest_[hash(at)];
    for (std::size_t looked = 0; place >= 0 && looked < longest_search; ++looked) {
      const auto from = static_cast<std::size_t>(place);
      if (at - from > window) break;
      std::size_t length = 0;
      while (length < most && text_[from + length] == text_[at + length]) ++length;
      if (length >= shortest_match && length > best.length) best = {length, at - from};
      if (best.length == most) break;
      place = older_[from];
    }
    return best;
  }
  void add(std::size_t at) {
    if (at + shortest_match > text_.size()) return;
    std::int64_t& newest = newest_[hash(at)];
    older_[at] = newest;
    newest = static_cast<std::int64_t>(at);
  }

 private:
  [[nodiscard]] std::size_t hash(std::size_t at) const {
    std::uint32_t bytes = 0;
    for (std::size_t i = 0; i < shortest_match; ++i)
      bytes = bytes << 8 | static_cast<unsigned char>(text_[at + i]);
    return (bytes * 2654435761U) >> 17;
  }
  std::string_view text_;
  std::vector<std::int64_t> newest_, older_;
};

std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xedb88320U ^ (value >> 1) : value >> 1;
      out[i] = value;
    }
    return out;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ (crc >> 8);
  return ~crc;
}

}  // namespace

std::string gzip(std::string_view bytes) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  Bits bits(out);
  bits.put(1, 1);  // the last block,
  bits.put(1, 2);  // with the fixed codes
  Places places(bytes);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto match = places.longest(at);
    const std::size_t step = std::max<std::size_t>(match.length, 1);
    if (match.length > 0) {
      put_match(bits, match.length, match.distance);
    } else {
      put_symbol(bits, static_cast<unsigned char>(bytes[at]));
    }
    for (std::size_t i = 0; i < step; ++i) places.add(at + i);
    at += step;
  }
  put_symbol(bits, 256);
  bits.end();
  bits.put(crc32(bytes), 32);
  bits.put(static_cast<std::uint32_t>(bytes.size()), 32);
  return out;
}

}  // namespace tranche::channel
