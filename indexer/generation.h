// Generations: the index folder's layout (doc/format.md: Folder).
//   lock          held by the one process that writes
//   CURRENT       the name of the generation in use, and a newline
//   gen-NNNNNN/   one complete index
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"
#include "lmdb_env.h"

namespace jcn {

// A generation that has a file of this name is examined at the next opening.
inline constexpr const char* damage_mark = "damaged";

// The generation's name. Absent: no CURRENT. index_damaged: what it says is no name.
Result<std::optional<std::string>> read_current(const std::string& index_folder);
// What use(path) gives for the generation in use, and once more for the next one where it is
// index_unreadable: another may have taken its place in between, and it be gone.
template <class Use>
auto with_current(const std::string& index_folder, Use&& use) -> decltype(use(std::string())) {
  std::string tried;
  for (;;) {
    JCN_TRY(const std::optional<std::string> current, read_current(index_folder));
    if (!current) {
      return Error{Code::index_unreadable, "there is no index in " + index_folder,
                   "start jcn on it once"};
    }
    auto used = use(index_folder + "/" + *current);
    if (used || used.error().code != Code::index_unreadable || *current == tried) return used;
    tried = *current;
  }
}
// By write, fsync, rename, fsync of the folder: old or new, never half.
Result<void> write_current(const std::string& index_folder, const std::string& generation);

// Makes the folder where there is none. index_in_use: another writer holds it, for longer than a
// second.
Result<FileDescriptor> lock_index(const std::string& index_folder);

// A name that no generation in the folder has or had.
Result<std::string> next_generation(const std::string& index_folder);
// Removes generations that CURRENT does not name, but for the last one set aside.
Result<void> remove_leftovers(const std::string& index_folder, const std::string& current);
Result<void> write_mark(const std::string& generation_path);
// Removes what says that the generation is to be examined.
Result<void> unmark_damaged(const std::string& generation_path);
// Renames to `gen-NNNNNN.damaged`.
Result<void> set_aside(const std::string& index_folder, const std::string& generation);

Result<void> sync_folder(const std::string& folder);

// index_format when it is another version's, index_damaged when it cannot be told.
Result<void> check_format(LmdbEnv& env);
Error foreign_format(std::uint32_t format);

}  // namespace jcn
