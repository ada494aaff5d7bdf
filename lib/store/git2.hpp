// The private door to libgit2: its functions, found on first use (ports/first_use.hpp), and an owner for
// every handle it gives out. Only the git_*.cpp of this room see it.
#pragma once

#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/stream.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

// clang-format off
#define TRANCHE_GIT2_FUNCTIONS(X) \
  X(libgit2_init) X(libgit2_opts) X(error_last) X(error_set_str) X(stream_register) \
  X(repository_open_ext) X(repository_open_bare) X(repository_init_ext) X(repository_init_options_init) \
  X(repository_free) X(repository_commondir) X(repository_workdir) X(repository_is_bare) X(repository_odb) \
  X(remote_free) X(remote_create_with_opts) \
  X(remote_create_options_init) X(remote_connect_ext) X(remote_connect_options_init) X(remote_ls) \
  X(remote_download) X(remote_disconnect) X(remote_push) X(fetch_options_init) X(push_options_init) \
  X(repository_config_snapshot) X(config_iterator_new) X(config_next) X(config_iterator_free) X(config_free) \
  X(credential_userpass_plaintext_new) \
  X(reference_lookup) X(reference_name_to_id) X(reference_create) X(reference_create_matching) \
  X(reference_symbolic_target) X(reference_free) X(reference_name_is_valid) \
  X(odb_read_header) X(odb_free) X(odb_init_backend) X(odb_add_backend) X(odb_backend_data_alloc) \
  X(blob_lookup) X(blob_rawcontent) X(blob_rawsize) X(blob_free) X(blob_create_from_buffer) \
  X(tree_lookup) X(tree_free) X(tree_entrycount) X(tree_entry_byindex) X(tree_entry_bypath) X(tree_entry_name) \
  X(tree_entry_type) X(tree_entry_id) X(tree_entry_free) X(tree_create_updated) \
  X(treebuilder_new) X(treebuilder_write) X(treebuilder_free) \
  X(commit_lookup) X(commit_tree) X(commit_tree_id) X(commit_create) X(commit_free) \
  X(commit_message) X(commit_parentcount) X(commit_parent_id) X(commit_committer) \
  X(signature_new) X(signature_free) \
  X(tree_entry_filemode) X(oid_fromstr) X(object_lookup) X(object_id) X(object_free) X(reference_peel) X(tag_annotation_create) \
  X(revwalk_new) X(revwalk_push) X(revwalk_next) X(revwalk_free) \
  X(revert_commit) X(index_has_conflicts) X(index_write_tree_to) X(index_free) \
  X(index_conflict_iterator_new) X(index_conflict_next) X(index_conflict_iterator_free)
// clang-format on

namespace tranche::store {

struct Git2 {
// NOLINTNEXTLINE(bugprone-macro-parentheses): name is declared here, and a declarator takes none.
#define X(name) decltype(&::git_##name) name = nullptr;
  TRANCHE_GIT2_FUNCTIONS(X)
#undef X
};

// Opens libgit2 once a process; thread-safe; never closed.
Result<const Git2*> load_git2();
// After load_git2() succeeded.
const Git2& git2();

// What libgit2 said last on this thread, fit for a message.
std::string last_git_words();
// Whether that was about an object that is missing, torn or changed.
bool is_about_objects();
// "cannot WHAT: words", with a hint where the cause is known: kind verification for such an object, else
// failed.
Error git_error_of(std::string_view what);

struct FreeGit {
  void operator()(git_repository* p) const { git2().repository_free(p); }
  void operator()(git_config* p) const { git2().config_free(p); }
  void operator()(git_config_iterator* p) const { git2().config_iterator_free(p); }
  void operator()(git_remote* p) const { git2().remote_free(p); }
  void operator()(git_reference* p) const { git2().reference_free(p); }
  void operator()(git_odb* p) const { git2().odb_free(p); }
  void operator()(git_blob* p) const { git2().blob_free(p); }
  void operator()(git_tree* p) const { git2().tree_free(p); }
  void operator()(git_tree_entry* p) const { git2().tree_entry_free(p); }
  void operator()(git_treebuilder* p) const { git2().treebuilder_free(p); }
  void operator()(git_commit* p) const { git2().commit_free(p); }
  void operator()(git_signature* p) const { git2().signature_free(p); }
  void operator()(git_object* p) const { git2().object_free(p); }
  void operator()(git_revwalk* p) const { git2().revwalk_free(p); }
  void operator()(git_index* p) const { git2().index_free(p); }
  void operator()(git_index_conflict_iterator* p) const { git2().index_conflict_iterator_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeGit>;

// owned<git_tree>(what, [&](git_tree** out) { return git2().tree_lookup(out, ...); })
template <class T, class Function>
Result<Owned<T>> owned(std::string_view what, Function function) {
  T* raw = nullptr;
  if (function(&raw) < 0) return fail(git_error_of(what));
  return Owned<T>(raw);
}

}  // namespace tranche::store
