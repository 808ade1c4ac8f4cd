#include "folder_move.h"

namespace jcn {
namespace {

// Files of one record; of more, each goes alone: what is read in one job is in memory at once.
constexpr std::size_t most_together = 256;

}  // namespace

std::vector<Rename> FolderMove::renames_with(const FragmentName& file, const Snapshot* now) {
  if (asked_.erase(file.path) != 0) return {};
  const FragmentName before{from_.root, from_.path + file.path.substr(to_.path.size())};
  std::vector<Rename> renames{{before, file}};
  if (!now) return renames;
  const auto row = now->file(before);
  if (!row || !*row || !(*row)->contributes) return renames;
  const auto record = now->record(*(*row)->contributes);
  if (!record || !*record || (*record)->fragments.size() > most_together) return renames;
  for (const FragmentInfo& fragment : (*record)->fragments) {
    const FragmentName& name = fragment.name;
    if (name == before || name.root != from_.root || !name.path.starts_with(from_.path + '/')) {
      continue;
    }
    FragmentName after{to_.root, to_.path + name.path.substr(from_.path.size())};
    asked_.insert(after.path);
    renames.push_back({name, std::move(after)});
  }
  return renames;
}

}  // namespace jcn
