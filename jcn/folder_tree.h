// The folders that are watched or polled, by name and by watch number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jcn/record.h"

namespace jcn {

// A folder beneath a root; the root itself has an empty path.
using FolderName = FragmentName;

// "a" + "b" → "a/b"; the root's own path is empty.
inline std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

struct WatchedFolder {
  int watch = -1;  // -1: polled
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
};

// Not thread-safe: confined to the walker.
class FolderTree {
 public:
  void put(const FolderName& name, WatchedFolder folder);
  const WatchedFolder* find(const FolderName& name) const;
  // The folder's name by now; absent for watches of folders that were left.
  std::optional<FolderName> by_watch(int watch) const;
  void forget_watch(int watch);
  // Forgets the folder and all below it; returns their watch numbers, which the kernel still has.
  std::vector<int> detach(const FolderName& name);
  bool uses(int watch) const { return by_watch_.contains(watch); }
  // The next one in the order of names; absent: the first. For walks during which folders come and
  // go.
  std::optional<FolderName> after(const std::optional<FolderName>& name) const;
  std::vector<FolderName> polled() const;
  std::size_t polled_count() const { return folders_.size() - by_watch_.size(); }
  bool any_polled(const std::string& root) const;
  std::size_t watches() const { return by_watch_.size(); }

 private:
  std::map<FolderName, WatchedFolder> folders_;
  std::unordered_map<int, FolderName> by_watch_;
};

}  // namespace jcn
