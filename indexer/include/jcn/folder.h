// Folders of jcn's own: the index and what lies in it. std::filesystem's iterators, and what is
// made of them, are not for those: where memory runs out, libstdc++ ends the process in the middle
// of one.
#pragma once

#include <dirent.h>

#include <memory>
#include <string>
#include <vector>

#include "jcn/result.h"

namespace jcn {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// Of what is in it, sorted, without "." and "..".
Result<std::vector<std::string>> names_in(const std::string& folder);

// With all that is in it; a file as well. No error where there is nothing.
Result<void> remove_whole(const std::string& path);
// As far as it can be, for destructors.
void try_to_remove_whole(const std::string& path) noexcept;

}  // namespace jcn
