#include "sbom/subject.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace tranche;
using namespace tranche::sbom;

TEST_CASE(
    "a BOM that names a shipped file with another digest is of something else; one that names none is "
    "taken") {
  const std::string ours(64, 'a'), other(64, 'b');
  const ShippedFile files[] = {{"notes.deb", ours}, {"notes.zip", ours}};
  struct Row {
    const char* what;
    std::string name, version, hash;
    bool main, taken;
  };
  for (const Row& row : {Row{"the file itself", "notes.deb", "", ours, true, true},
                         Row{"in a directory", "dist/notes.deb", "", ours, true, true},
                         Row{"other bytes", "dist/notes.deb", "", other, true, false},
                         Row{"in capitals", "notes.deb", "", std::string(64, 'A'), true, true},
                         Row{"as a version", "dist/notes.deb", "sha256:" + other, "", true, false},
                         Row{"as our version", "notes.deb", "sha256:" + ours, "", true, true},
                         Row{"a component", "notes.zip", "", other, false, false},
                         Row{"a file inside of something", "installer/notes.zip", "", other, false, true},
                         Row{"an app of that version", "notes", "1.0", other, true, true},
                         Row{"no digest", "notes.deb", "1.0", "", true, true}}) {
    CAPTURE(row.what);
    Component component;
    component.name = row.name;
    component.version = row.version;
    if (!row.hash.empty()) component.hashes = {{"SHA-1", std::string(40, 'c')}, {"SHA-256", row.hash}};
    Catalog catalog;
    (row.main ? catalog.main : catalog.components.emplace_back()) = component;
    const auto done = check_subject(catalog, files);
    CHECK(done.has_value() == row.taken);
    if (done) continue;
    CHECK(done.error().kind == ErrorKind::verification);
    CHECK(done.error().message.find(other) != std::string::npos);
    CHECK(done.error().message.find(ours) != std::string::npos);
  }
}
