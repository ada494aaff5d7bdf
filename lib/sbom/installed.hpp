// The packages of an installed system: a root directory, of this machine, a container or an image.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "ports/ports.hpp"
#include "sbom/dpkg.hpp"
#include "sbom/sbom.hpp"

namespace tranche::sbom {

// True when the directory holds a package database that can be listed: dpkg's status, or rpm's.
Result<bool> is_installed_system(ports::Files& files, const std::string& root);

// Everything installed there. dpkg's database is read as it is; rpm's by `rpm -qa`, when `process` is given
// and the program is there, otherwise a warning says so. Nothing is run inside the root.
Result<Catalog> catalog_installed_system(ports::Files& files, ports::Process* process,
                                         const std::string& root);

// The text of var/lib/dpkg/status. Edges are Depends and Pre-Depends, the first alternative that is
// installed; what a package Provides counts. Property "deb:source" names the source package where it has
// another name or version: advisories of Debian are by source.
Result<Catalog> catalog_dpkg_status(std::string_view text, const std::string& file,
                                    const Distribution& distribution);

// What `rpm -qa` printed with rpm_query_format: a line a package, fields parted by tabs.
extern const char* const rpm_query_format;
Result<Catalog> catalog_rpm_query(std::string_view text, const std::string& file,
                                  const Distribution& distribution);

}  // namespace tranche::sbom
