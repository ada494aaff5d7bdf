// What software is in a release: components found by catalogers, one an ecosystem, and the graph between
// them.
//
// A cataloger reads what is on disk and asks no network. What it could not read or find is a warning in the
// catalog, never silence; only input that is broken or hostile is an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "sbom/purl.hpp"

namespace tranche::sbom {

inline constexpr std::size_t max_components = 200'000;
inline constexpr std::size_t max_warnings = 1000;

struct Hash {
  std::string algorithm;  // as CycloneDX spells it: "SHA-1", "SHA-256", "SHA-384", "SHA-512"
  std::string hex;        // lower case
  bool operator==(const Hash&) const = default;
};

// What a file of a model says of itself (CycloneDX modelCard: modelParameters and properties).
struct ModelCard {
  std::string task;                                             // "text-generation"; each may be empty
  std::string architecture_family;                              // "transformer"
  std::string architecture;                                     // "llama"
  std::vector<std::pair<std::string, std::string>> properties;  // anything else, sorted by name
  bool operator==(const ModelCard&) const = default;
};

struct Component {
  // As CycloneDX spells it: "library", "application", "machine-learning-model", "file", ...
  std::string type = "library";
  std::string group;  // "@scope" of npm; may be empty
  std::string name;
  std::string version;  // may be empty
  std::string purl;     // may be empty
  std::vector<Hash> hashes;
  std::vector<std::string> licenses;  // SPDX ids or expressions, or names
  std::string scope;    // "": required; "optional"; "excluded": present for building and testing only
  std::string bom_ref;  // unique in a catalog
  std::vector<std::string> depends_on;  // bom_refs
  std::string description;              // the rest may be empty
  std::string supplier;                 // who hands it out: a name
  std::string download;                 // http(s), git or ssh address that it came from
  std::vector<std::pair<std::string, std::string>> properties;  // name, value; sorted
  std::optional<ModelCard> model;                               // of a machine-learning-model
  bool operator==(const Component&) const = default;
};

struct Catalog {
  Component main;  // what the catalog is of; depends_on are its direct dependencies
  std::vector<Component> components;
  std::vector<std::string> warnings;
  // Other files that were read as part of it (requirements.txt names them): they are not cataloged again.
  std::vector<std::string> covers;
};

// debian_elf.cpp: the Debian packages that the ELF files in an artifact link, through all levels, and what
// its lockfiles list. The artifact is an ELF file or an archive (.deb, .tar.*, .zip); others give an empty
// catalog with a warning. `root` is the file system that the libraries come from, "" or "/" for this
// machine's. Licences of main are those that a .deb says it has.
Result<Catalog> catalog_linked_packages(ports::Files& files, const std::string& artifact_path,
                                        const std::string& root = "");

// One catalog of all: components of the same bom_ref become one (edges united; required wins over optional,
// optional over excluded), edges to nowhere are dropped with a warning. Sorted by bom_ref.
Catalog merge(Component main, std::vector<Catalog> catalogs);

struct Request {
  std::string app;
  std::string version;
  std::string repository;              // directory
  std::vector<std::string> scan{"."};  // directories in the repository to look for lockfiles in
  std::vector<std::string> artifacts;  // paths of the files to ship
  std::string root;                    // as above
  // What a person named, anywhere on this machine: directories are looked through as `scan` is, a file that a
  // cataloger knows by its name is read as that, any other file as an artifact. A directory that holds
  // dpkg's or rpm's database is an installed system (installed.hpp).
  std::vector<std::string> paths;
};
// Everything: what the catalogers of catalogers.hpp know below `scan` (not below node_modules or .git; at
// most 10,000 entries, depth 32), and what the artifacts are and link. Of the world it reads the files, and
// runs `rpm` where there is a database of rpm's. kind invalid when a scan path leaves the repository, or a
// named path is not there.
Result<Catalog> make_catalog(const ports::World& world, const Request& request);

}  // namespace tranche::sbom
