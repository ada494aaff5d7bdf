#include "sbom/elf.hpp"

#include <doctest/doctest.h>

#include <random>

#include "sbom/elf_sample.hpp"

using namespace tranche;
using namespace tranche::sbom;

namespace {
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("the names of the libraries that a file needs are read, in 64 and in 32 bits") {
  for (const int bits : {64, 32}) {
    CAPTURE(bits);
    ElfSample sample;
    sample.bits = bits;
    sample.needed = {"libc.so.6", "libz.so.1"};
    sample.soname = "libx.so.1";
    const auto elf = parse_elf(sample.bytes());
    REQUIRE(elf);
    CHECK(elf->bits == bits);
    CHECK(elf->machine == 62);
    CHECK(elf->needed == sample.needed);
    CHECK(elf->soname == "libx.so.1");
    CHECK(elf->dynamic);
  }
}

TEST_CASE("a static program needs nothing and says that it is static") {
  ElfSample sample;
  sample.dynamic = false;
  const auto elf = parse_elf(sample.bytes());
  REQUIRE(elf);
  CHECK_FALSE(elf->dynamic);
  CHECK(elf->needed.empty());
}

TEST_CASE("what is no ELF file, or one of another byte order, is refused with the reason") {
  CHECK(has(parse_elf("").error().message, "not an ELF file"));
  CHECK(has(parse_elf("#!/bin/sh\n").error().message, "not an ELF file"));
  CHECK(has(parse_elf("\x7f"
                      "ELF")
                .error()
                .message,
            "header is cut"));
  std::string bytes = ElfSample().bytes();
  bytes[5] = 2;
  CHECK(has(parse_elf(bytes).error().message, "big-endian"));
  bytes[4] = 9;
  CHECK(has(parse_elf(bytes).error().message, "neither 32 nor 64"));
}

TEST_CASE("names outside the string table and tables outside the file are refused") {
  ElfSample sample;
  sample.needed = {"libc.so.6"};
  sample.string_table_size = 3;
  CHECK(has(parse_elf(sample.bytes()).error().message, "the name of a library lies outside"));
  sample.string_table_size = ~0ULL;
  CHECK(parse_elf(sample.bytes()));  // the file's end bounds it
  sample.string_table_address = 0xffffffffffff0000ULL;
  CHECK(has(parse_elf(sample.bytes()).error().message, "string table"));
}

TEST_CASE("an ELF file cut anywhere never crashes the reader") {
  ElfSample sample;
  sample.needed = {"libc.so.6", "libz.so.1"};
  const std::string bytes = sample.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    (void)parse_elf(std::string_view(bytes).substr(0, size));
}

TEST_CASE("an ELF file with any bytes changed never crashes the reader") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    ElfSample sample;
    sample.bits = round % 2 == 0 ? 64 : 32;
    sample.needed = {"libc.so.6", "libz.so.1"};
    std::string bytes = sample.bytes();
    for (unsigned change = 0; change <= random() % 4; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
    (void)parse_elf(bytes);
  }
}
