#include "folder_tree.h"

namespace jcn {

void FolderTree::put(const FolderName& name, WatchedFolder folder) {
  // A folder that was moved keeps its watch: whoever had the number loses it.
  if (auto it = by_watch_.find(folder.watch); it != by_watch_.end() && it->second != name) {
    if (auto old = folders_.find(it->second); old != folders_.end()) folders_.erase(old);
  }
  if (auto it = folders_.find(name); it != folders_.end() && it->second.watch != folder.watch) {
    by_watch_.erase(it->second.watch);
  }
  folders_[name] = folder;
  if (folder.watch >= 0) by_watch_[folder.watch] = name;
}

const WatchedFolder* FolderTree::find(const FolderName& name) const {
  auto it = folders_.find(name);
  return it == folders_.end() ? nullptr : &it->second;
}

std::optional<FolderName> FolderTree::by_watch(int watch) const {
  auto it = by_watch_.find(watch);
  if (it == by_watch_.end()) return std::nullopt;
  return it->second;
}

void FolderTree::forget_watch(int watch) {
  auto it = by_watch_.find(watch);
  if (it == by_watch_.end()) return;
  folders_.erase(it->second);
  by_watch_.erase(it);
}

std::vector<int> FolderTree::detach(const FolderName& name) {
  std::vector<int> watches;
  const auto take = [&](std::map<FolderName, WatchedFolder>::iterator from,
                        std::map<FolderName, WatchedFolder>::iterator to) {
    for (auto it = from; it != to; it = folders_.erase(it)) {
      if (it->second.watch < 0) continue;
      watches.push_back(it->second.watch);
      by_watch_.erase(it->second.watch);
    }
  };
  if (auto it = folders_.find(name); it != folders_.end()) take(it, std::next(it));
  // '0' follows '/': the range holds just what lies below the folder.
  const bool root = name.path.empty();
  take(folders_.lower_bound({name.root, root ? "" : name.path + "/"}),
       root ? folders_.upper_bound({name.root, "\xff\xff\xff\xff"})
            : folders_.lower_bound({name.root, name.path + "0"}));
  return watches;
}

std::optional<FolderName> FolderTree::after(const std::optional<FolderName>& name) const {
  const auto it = name ? folders_.upper_bound(*name) : folders_.begin();
  if (it == folders_.end()) return std::nullopt;
  return it->first;
}

std::vector<FolderName> FolderTree::polled() const {
  std::vector<FolderName> names;
  for (const auto& [name, folder] : folders_) {
    if (folder.watch < 0) names.push_back(name);
  }
  return names;
}

bool FolderTree::any_polled(const std::string& root) const {
  for (auto it = folders_.lower_bound({root, ""}); it != folders_.end() && it->first.root == root;
       ++it) {
    if (it->second.watch < 0) return true;
  }
  return false;
}

}  // namespace jcn
