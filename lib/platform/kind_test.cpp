#include "platform/kind.hpp"

#include <doctest/doctest.h>

#include "os/world.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::platform;
using namespace std::string_view_literals;

TEST_CASE("a file's kind is told by its first bytes, and a format takes only the kinds that it signs") {
  const struct {
    std::string_view bytes;
    FileKind kind;
    std::string_view fits;  // formats, each between blanks
  } cases[] = {
      {"!<arch>\ndebian-binary   ", FileKind::deb, " deb "},
      {"!<arch>\nsomething.o/    ", FileKind::unknown, " authenticode notary "},
      {"\xed\xab\xee\xdb\x03"sv, FileKind::rpm, " rpm "},
      {"MZ\x90"sv, FileKind::program, " authenticode "},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, FileKind::installer, " authenticode "},
      {"MSCF\0\0"sv, FileKind::cabinet, " authenticode "},
      {"PK\x03\x04"sv, FileKind::archive, " authenticode notary "},
      {"xar!\0"sv, FileKind::archive, " authenticode notary "},
      {"M", FileKind::unknown, " authenticode notary "},
      {"", FileKind::empty, " "},
  };
  os::RealWorld real;
  support::TempDirectory directory;
  const std::string path = directory / "file";
  for (const auto& item : cases) {
    CAPTURE(describe(item.kind));
    CHECK(kind_of(item.bytes) == item.kind);
    REQUIRE(real.world().files.write(path, item.bytes).has_value());
    for (const std::string format : {"deb", "rpm", "authenticode", "notary"}) {
      CAPTURE(format);
      const auto mismatch = find_mismatch(real.world().files, path, format);
      REQUIRE(mismatch.has_value());
      CHECK(mismatch->empty() == (item.fits.find(" " + format + " ") != std::string_view::npos));
    }
  }
  CHECK(*find_mismatch(real.world().files, path, "deb") == "the file is empty, not a .deb package");
  CHECK_FALSE(find_mismatch(real.world().files, directory.path(), "deb").has_value());
  CHECK_FALSE(find_mismatch(real.world().files, directory / "nothing", "deb").has_value());
}
