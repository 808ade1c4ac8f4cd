// A folder that was renamed. A record that has several files in it is to change once: their old and
// new names have to be looked at, and published, together.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "folder_tree.h"
#include "jcn/snapshot.h"
#include "look_schedule.h"

namespace jcn {

// Not thread-safe: confined to the walker.
class FolderMove {
 public:
  FolderMove(FolderName from, FolderName to) : from_(std::move(from)), to_(std::move(to)) {}

  // For a file that is found beneath the new name: its rename, and those of the other files of its
  // record that came along, by what `now` knows of the old names. Empty: it was among those of a
  // file before. Without a snapshot, and where the index can't be read, it goes alone.
  std::vector<Rename> renames_with(const FragmentName& file, const Snapshot* now);

 private:
  const FolderName from_, to_;
  std::unordered_set<std::string> asked_;  // paths that came along with others, not yet found
};

}  // namespace jcn
