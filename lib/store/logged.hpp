// A directory store in which moving one pointer is cheap: for a journal, which moves its checkpoint many
// times a run.
//
// The problem: a publication of four small files is ten flushes (each file, each directory, the pointer), ten
// times what the disk needs to keep a few hundred bytes. The idea: the publication goes into a log first
// (append_log.hpp), in place, with one flush; it is durable then. Files are made of it once, when the store
// is closed, when the log is full, or before something is removed: all of them durable, the pointer last, as
// any directory store does it. So who reads the directory with other tools sees a whole state at any instant,
// at worst that of the run before; who reads it through this store sees the newest. A run that was killed, or
// a cut of the power, leaves its publications in the log; the next run makes files of them.
//
// Of a file that the next publication extends under another name (a journal's partial tiles) only the last is
// made.
#pragma once

#include "store/store.hpp"

namespace tranche::store {

// `pointer`: the name whose publications are logged; all others go the way of open_directory(). Files that
// cannot be written in place (ports/slab.hpp) are no error: nothing is logged then.
std::unique_ptr<Store> open_logged_directory(ports::Files& files, std::string directory, std::string pointer);

}  // namespace tranche::store
