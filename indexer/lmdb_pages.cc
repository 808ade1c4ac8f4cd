#include "lmdb_pages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "encoding.h"

namespace jcn {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8,
              "LMDB files are of the machine's own byte order and word size");

constexpr std::uint32_t magic = 0xbeefc0de, data_version = 1;
constexpr std::uint16_t branch_page = 1, leaf_page = 2, overflow_page = 4, meta_page = 8;
constexpr std::uint16_t big_value = 1, table_value = 2;  // flags of a leaf's node
constexpr std::uint16_t integer_keys = 8;                // of the tree of free pages
constexpr std::size_t page_header = 16, node_header = 8, tree_bytes = 48, meta_bytes = 136;
constexpr std::size_t smallest_page = 512, largest_page = 65536, longest_key = 511;
constexpr std::uint64_t no_root = ~std::uint64_t{0};
constexpr std::uint64_t largest_map = std::uint64_t{1} << 47;
constexpr std::uint16_t deepest = 32;

// Reads at an offset that was checked.
template <class T>
T at(std::string_view bytes, std::size_t offset) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Error wrong_page(std::uint64_t number, const std::string& what) {
  return damaged("page " + std::to_string(number) + " of data.mdb " + what);
}

std::size_t even(std::size_t size) {
  return size + (size & 1);
}

struct Node {
  std::uint16_t flags = 0;
  std::uint64_t child = 0;  // of a branch
  std::uint64_t size = 0;   // of a leaf's value
  std::string_view key;
  std::string_view rest;  // of a leaf: the value, or where it lies
};

// Of a page whose header was checked. Absent: the node does not lie within it.
std::optional<Node> node_of(std::string_view page, std::size_t index, bool leaf,
                            std::size_t& bytes) {
  const std::size_t upper = at<std::uint16_t>(page, 14);
  const std::size_t offset = at<std::uint16_t>(page, page_header + 2 * index);
  if (offset < upper || offset % 2 != 0 || offset + node_header > page.size()) return std::nullopt;
  const std::uint64_t low = at<std::uint16_t>(page, offset),
                      high = at<std::uint16_t>(page, offset + 2);
  const std::size_t key_bytes = at<std::uint16_t>(page, offset + 6);
  Node node;
  node.flags = at<std::uint16_t>(page, offset + 4);
  std::size_t rest = 0;
  if (leaf) {
    node.size = low | high << 16;
    rest = node.flags & big_value ? sizeof(std::uint64_t) : node.size;
  } else {
    node.child = low | high << 16 | std::uint64_t{node.flags} << 32;
  }
  const std::size_t room = page.size() - offset - node_header;
  if (key_bytes > room || rest > room - key_bytes) return std::nullopt;
  node.key = page.substr(offset + node_header, key_bytes);
  node.rest = page.substr(offset + node_header + key_bytes, rest);
  bytes += even(node_header + key_bytes + rest);
  return node;
}

}  // namespace

// One walk of one tree.
struct LmdbPages::Walk {
  const Tree& tree;
  bool of_tables = false;  // the tree that holds the tables
  bool of_numbers = false;
  const Visit& visit;
  std::uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0;
  std::optional<std::string> last = {};  // key

  bool less(std::string_view a, std::string_view b) const {
    if (of_numbers) return at<std::uint64_t>(a, 0) < at<std::uint64_t>(b, 0);
    return a < b;
  }
};

LmdbPages::Tree LmdbPages::read_tree(std::string_view bytes) {
  Tree tree;
  tree.flags = at<std::uint16_t>(bytes, 4);
  tree.depth = at<std::uint16_t>(bytes, 6);
  tree.branches = at<std::uint64_t>(bytes, 8);
  tree.leaves = at<std::uint64_t>(bytes, 16);
  tree.overflow = at<std::uint64_t>(bytes, 24);
  tree.entries = at<std::uint64_t>(bytes, 32);
  tree.root = at<std::uint64_t>(bytes, 40);
  return tree;
}

// Both meta pages, each of which is one.
struct LmdbPages::Metas {
  std::array<std::string, 2> pages;
  std::array<std::uint64_t, 2> txns{};

  std::string_view meta(std::size_t page) const {
    return std::string_view(pages[page]).substr(page_header);
  }
  std::size_t newest() const { return txns[1] > txns[0] ? 1 : 0; }
  std::uint64_t map_bytes(std::size_t page) const { return at<std::uint64_t>(meta(page), 16); }
  std::uint64_t last_page(std::size_t page) const { return at<std::uint64_t>(meta(page), 120); }
};

Result<LmdbPages> LmdbPages::open_file(const std::string& folder) {
  const std::string path = folder + "/data.mdb";
  LmdbPages pages;
  pages.file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (pages.file_) return pages;
  if (errno == ENOENT || errno == ENOTDIR) {
    return Error{Code::index_unreadable, path + " is missing", ""};
  }
  return system_error("open", path, errno);
}

Result<LmdbPages> LmdbPages::open(const std::string& folder, std::optional<std::uint64_t> txn) {
  JCN_TRY(LmdbPages pages, open_file(folder));
  JCN_CHECK(pages.choose_state(txn));
  const Visit add_table = [&](std::string_view name, std::string_view bytes) -> Result<void> {
    if (bytes.size() != tree_bytes) return damaged("a table's entry in data.mdb is malformed");
    const Tree tree = read_tree(bytes);
    if (tree.flags != 0) return damaged("a table in data.mdb is of another kind");
    pages.tables_.emplace_back(name, tree);
    return {};
  };
  Walk tables{pages.main_, true, false, add_table};
  JCN_CHECK(pages.walk(pages.main_, tables));
  return pages;
}

Result<void> LmdbPages::check_metas(const std::string& folder) {
  JCN_TRY(LmdbPages pages, open_file(folder));
  JCN_TRY(const Metas metas, pages.read_metas());
  return pages.check_sizes(metas, metas.newest());
}

Result<LmdbPages::Metas> LmdbPages::read_metas() {
  Metas metas;
  page_bytes_ = smallest_page;
  JCN_TRY(metas.pages[0], read(0, page_header + meta_bytes));
  const std::size_t page_bytes = at<std::uint32_t>(metas.pages[0], page_header + 24);
  if (!std::has_single_bit(page_bytes) || page_bytes < smallest_page || page_bytes > largest_page) {
    return wrong_page(0, "says no page size");
  }
  page_bytes_ = page_bytes;
  JCN_TRY(metas.pages[1], read(1, page_header + meta_bytes));
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string_view page = metas.pages[i], meta = metas.meta(i);
    if (at<std::uint64_t>(page, 0) != i || at<std::uint16_t>(page, 10) != meta_page ||
        at<std::uint32_t>(meta, 0) != magic || at<std::uint32_t>(meta, 4) != data_version ||
        at<std::uint64_t>(meta, 8) != 0 || at<std::uint32_t>(meta, 24) != page_bytes_) {
      return wrong_page(i, "is no meta page");
    }
    metas.txns[i] = at<std::uint64_t>(meta, 128);
    if (metas.txns[i] != 0 && metas.txns[i] % 2 != i) {
      return wrong_page(i, "has another one's transaction");
    }
  }
  return metas;
}

Result<void> LmdbPages::check_sizes(const Metas& metas, std::size_t chosen) const {
  const std::uint64_t map = metas.map_bytes(chosen), last = metas.last_page(chosen);
  if (map > largest_map || map % page_bytes_ != 0 || last < 1 || last >= map / page_bytes_) {
    return wrong_page(chosen, "has sizes that cannot be");
  }
  return {};
}

Result<void> LmdbPages::choose_state(std::optional<std::uint64_t> txn) {
  JCN_TRY(const Metas metas, read_metas());
  const std::array<std::uint64_t, 2>& txns = metas.txns;
  const std::size_t newest = metas.newest();
  const std::uint64_t apart = txns[newest] - txns[1 - newest];
  if (apart > 1) return wrong_page(newest, "is not of the transaction after the other's");
  const std::size_t chosen = txn && txns[1 - newest] == *txn ? 1 - newest : newest;
  if (txn && txns[chosen] != *txn) return wrong_page(chosen, "is of another transaction");
  JCN_CHECK(check_sizes(metas, chosen));
  const std::string_view meta = metas.meta(chosen);
  const std::uint64_t last = metas.last_page(chosen);
  txn_ = txns[chosen];
  free_ = read_tree(meta.substr(24));
  main_ = read_tree(meta.substr(24 + tree_bytes));
  if (free_.flags != integer_keys || main_.flags != 0) return wrong_page(chosen, "has odd flags");
  struct ::stat stat {};
  if (::fstat(file_.get(), &stat) != 0) return system_error("fstat", "data.mdb", errno);
  if (static_cast<std::uint64_t>(stat.st_size) / page_bytes_ <= last) {
    return damaged("data.mdb is cut short");
  }
  used_.assign(last + 1, false);
  used_[0] = used_[1] = true;
  return {};
}

Result<std::string> LmdbPages::read(std::uint64_t page, std::size_t bytes) const {
  std::string found(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const ssize_t got = ::pread(file_.get(), found.data() + have, bytes - have,
                                static_cast<off_t>(page * page_bytes_ + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EIO) return wrong_page(page, "cannot be read from its disk");
    if (got < 0) return system_error("pread", "data.mdb", errno);
    if (got == 0) return damaged("data.mdb is cut short");
    have += static_cast<std::size_t>(got);
  }
  return found;
}

Result<void> LmdbPages::use(std::uint64_t page, std::uint64_t count) {
  if (page >= used_.size() || count > used_.size() - page) {
    return wrong_page(page, "is beyond the last one");
  }
  for (std::uint64_t i = page; i < page + count; ++i) {
    if (used_[i]) return wrong_page(i, "is in use twice");
    used_[i] = true;
  }
  walked_ += count;
  return {};
}

Result<void> LmdbPages::walk(const Tree& tree, Walk& walk) {
  const auto counts = [](const auto& counted) {
    return std::array{counted.branches, counted.leaves, counted.overflow, counted.entries};
  };
  if (tree.root != no_root) {
    if (tree.depth == 0 || tree.depth > deepest) return damaged("a tree of data.mdb has no depth");
    const Result<void> walked = walk_page(tree.root, 1, std::nullopt, std::nullopt, walk);
    if (!walked) {
      whole_ = false;
      return walked.error();
    }
  } else if (tree.depth != 0) {
    return damaged("a tree of data.mdb has a depth and no root");
  }
  if (counts(tree) != counts(walk)) {
    return damaged("a tree of data.mdb has other pages or entries than are counted");
  }
  return {};
}

Result<void> LmdbPages::walk_page(std::uint64_t number, std::uint16_t depth,
                                  std::optional<std::string> low, std::optional<std::string> high,
                                  Walk& walk) {
  JCN_CHECK(use(number, 1));
  JCN_TRY(const std::string page, read(number, page_bytes_));
  const bool leaf = depth == walk.tree.depth;
  const std::size_t lower = at<std::uint16_t>(page, 12), upper = at<std::uint16_t>(page, 14);
  if (at<std::uint64_t>(page, 0) != number ||
      at<std::uint16_t>(page, 10) != (leaf ? leaf_page : branch_page)) {
    return wrong_page(number, "is another one");
  }
  if (lower < page_header || lower % 2 != 0 || lower > upper || upper > page_bytes_) {
    return wrong_page(number, "has bounds that cannot be");
  }
  const std::size_t nodes = (lower - page_header) / 2;
  if (nodes < (leaf || walk.of_numbers ? 1U : 2U)) return wrong_page(number, "is empty");
  std::vector<Node> found;
  found.reserve(nodes);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::optional<Node> node = node_of(page, i, leaf, bytes);
    if (!node) return wrong_page(number, "has an entry that is not within it");
    const bool unbound =
        !leaf && i == 0;  // what is before the second key belongs to the first child
    const std::size_t key_bytes = node->key.size();
    if (!unbound && (key_bytes == 0 || key_bytes > longest_key ||
                     (walk.of_numbers && key_bytes != sizeof(std::uint64_t)))) {
      return wrong_page(number, "has a key that cannot be");
    }
    if (!unbound &&
        ((low && walk.less(node->key, *low)) || (high && !walk.less(node->key, *high)))) {
      return wrong_page(number, "has a key that the page above has elsewhere");
    }
    found.push_back(*node);
  }
  if (bytes != page_bytes_ - upper) return wrong_page(number, "has entries over one another");
  if (leaf) {
    ++walk.leaves;
    return walk_leaf(page, walk);
  }
  ++walk.branches;
  for (std::size_t i = 0; i < nodes; ++i) {
    std::optional<std::string> from = i == 0 ? low : std::string(found[i].key);
    std::optional<std::string> to = i + 1 < nodes ? std::string(found[i + 1].key) : high;
    if (from && to && !walk.less(*from, *to)) return wrong_page(number, "is out of order");
    JCN_CHECK(walk_page(found[i].child, static_cast<std::uint16_t>(depth + 1), std::move(from),
                        std::move(to), walk));
  }
  return {};
}

Result<void> LmdbPages::walk_leaf(const std::string& page, Walk& walk) {
  const std::uint64_t number = at<std::uint64_t>(page, 0);
  const std::size_t nodes = (at<std::uint16_t>(page, 12) - page_header) / 2;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    const Node node = *node_of(page, i, true, bytes);
    if (walk.last && !walk.less(*walk.last, node.key)) return wrong_page(number, "is out of order");
    walk.last = node.key;
    ++walk.entries;
    if (walk.of_tables ? node.flags != table_value : (node.flags & ~big_value) != 0) {
      return wrong_page(number, "has an entry of another kind");
    }
    if (!(node.flags & big_value)) {
      JCN_CHECK(walk.visit(node.key, node.rest));
      continue;
    }
    const std::uint64_t first = at<std::uint64_t>(node.rest, 0);
    if (first >= used_.size() || node.size > used_.size() * page_bytes_) {
      return wrong_page(number, "leads beyond the last one");
    }
    JCN_TRY(const std::string value, read(first, page_header + node.size));
    const std::uint64_t count = at<std::uint32_t>(value, 12);
    if (at<std::uint64_t>(value, 0) != first || at<std::uint16_t>(value, 10) != overflow_page ||
        count * page_bytes_ < value.size()) {
      return wrong_page(first, "is another one");
    }
    JCN_CHECK(use(first, count));
    walk.overflow += count;
    JCN_CHECK(walk.visit(node.key, std::string_view(value).substr(page_header)));
  }
  return {};
}

Result<void> LmdbPages::walk_table(std::string_view name, const Visit& visit) {
  const auto table = std::find_if(tables_.begin(), tables_.end(),
                                  [&](const auto& known) { return known.first == name; });
  if (table == tables_.end()) return damaged("table " + std::string(name) + " is missing");
  Walk entries{table->second, false, false, visit};
  return walk(table->second, entries);
}

Result<void> LmdbPages::check_tables(const std::vector<std::string_view>& names) const {
  for (const auto& [name, tree] : tables_) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return damaged("data.mdb has a table that is none of jcn's");
    }
  }
  if (tables_.size() != names.size()) return damaged("a table is missing");
  return {};
}

Result<void> LmdbPages::check_free_pages() {
  std::vector<std::uint64_t> free;
  const Visit take = [&](std::string_view, std::string_view value) -> Result<void> {
    const std::size_t numbers = value.size() / sizeof(std::uint64_t);
    const std::uint64_t count = numbers == 0 ? 0 : at<std::uint64_t>(value, 0);
    if (numbers == 0 || count >= numbers) return damaged("a list of free pages is malformed");
    for (std::uint64_t i = 1; i <= count; ++i) {
      free.push_back(at<std::uint64_t>(value, i * sizeof(std::uint64_t)));
    }
    return {};
  };
  Walk lists{free_, false, true, take};
  JCN_CHECK(walk(free_, lists));
  const std::uint64_t before = walked_;
  for (const std::uint64_t page : free) JCN_CHECK(use(page, 1));
  walked_ = before;
  if (!whole_) return {};  // pages of what was not walked are neither
  const auto missing = std::find(used_.begin(), used_.end(), false);
  if (missing != used_.end()) {
    return wrong_page(static_cast<std::uint64_t>(missing - used_.begin()),
                      "is neither in use nor free");
  }
  return {};
}

}  // namespace jcn
