// The pages of an LMDB file, read without LMDB: nothing in them is believed before it is checked,
// so that damage neither ends the process nor leads the walk astray. LMDB itself trusts its pages:
// it goes by a wrong key in a branch page, or gives a page in use away again, without a word.
//
// Checked: that each page is what and where it says; that nodes fill their page; that keys ascend,
// within what the branches above say of them; every count that LMDB keeps; that each page belongs
// to one tree or is free. What values hold is the caller's to check.
//
// Layout: MDB_meta, MDB_page, MDB_node and MDB_db of LMDB 0.9's mdb.c, data version 1, on a
// little-endian machine of 64 bits. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"

namespace jcn {

class LmdbPages {
 public:
  // In the state that transaction `txn` made, without one in the newest. Where a writer lives, a
  // reader of that state has to hold it, and may have to begin again: commits change the meta pages
  // under this function. index_damaged: no whole LMDB file, or not that state; index_unreadable:
  // none at all.
  static Result<LmdbPages> open(const std::string& folder, std::optional<std::uint64_t> txn);

  // What LMDB goes by from the first moment on, and may end the process over: the page size, the
  // sizes of the map and the file. A writer may live. index_damaged.
  static Result<void> check_metas(const std::string& folder);

  std::uint64_t txn() const { return txn_; }
  std::uint64_t pages() const { return used_.size(); }
  std::uint64_t pages_walked() const { return walked_; }

  // Views last until the visit returns. index_damaged: what was found first; the rest of the table
  // stays unvisited.
  using Visit = std::function<Result<void>(std::string_view key, std::string_view value)>;
  Result<void> walk_table(std::string_view name, const Visit& visit);
  // That the file has these tables and no others.
  Result<void> check_tables(const std::vector<std::string_view>& names) const;
  // After the walk of every table: that the free pages are free, and that no page is missing.
  Result<void> check_free_pages();

 private:
  struct Tree {
    std::uint16_t flags = 0, depth = 0;
    std::uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0, root = 0;
  };
  struct Walk;
  struct Metas;
  LmdbPages() = default;
  static Result<LmdbPages> open_file(const std::string& folder);
  Result<Metas> read_metas();
  Result<void> check_sizes(const Metas& metas, std::size_t chosen) const;
  Result<void> choose_state(std::optional<std::uint64_t> txn);
  static Tree read_tree(std::string_view bytes);
  Result<std::string> read(std::uint64_t page, std::size_t bytes) const;
  Result<void> use(std::uint64_t page, std::uint64_t count);
  Result<void> walk(const Tree& tree, Walk& walk);
  Result<void> walk_page(std::uint64_t number, std::uint16_t depth, std::optional<std::string> low,
                         std::optional<std::string> high, Walk& walk);
  Result<void> walk_leaf(const std::string& page, Walk& walk);

  FileDescriptor file_;
  std::uint64_t txn_ = 0;
  std::size_t page_bytes_ = 0;
  Tree free_, main_;
  std::vector<std::pair<std::string, Tree>> tables_;
  std::vector<bool> used_;  // by page
  std::uint64_t walked_ = 0;
  bool whole_ = true;  // no walk has ended early
};

}  // namespace jcn
