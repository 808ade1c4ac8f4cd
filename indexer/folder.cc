#include "jcn/folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>

namespace jcn {
namespace {

bool is_gone(int error) {
  return error == ENOENT;
}

}  // namespace

Result<std::vector<std::string>> names_in(const std::string& folder) {
  const OpenFolder open(::opendir(folder.c_str()));
  if (!open) return system_error("opendir", folder, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (!entry && errno != 0) return system_error("readdir", folder, errno);
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_whole(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || is_gone(errno)) return {};
  if (errno != EISDIR && errno != EPERM) return system_error("unlink", path, errno);
  // Not recursive: folders within come after the one that they are in, and go before it.
  std::vector<std::string> folders{path};
  for (std::size_t i = 0; i < folders.size(); ++i) {
    Result<std::vector<std::string>> names = names_in(folders[i]);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      std::string within = folders[i] + "/" + name;
      if (::unlink(within.c_str()) == 0 || is_gone(errno)) continue;
      if (errno != EISDIR && errno != EPERM) return system_error("unlink", within, errno);
      folders.push_back(std::move(within));
    }
  }
  for (; !folders.empty(); folders.pop_back()) {
    if (::rmdir(folders.back().c_str()) != 0 && !is_gone(errno)) {
      return system_error("rmdir", folders.back(), errno);
    }
  }
  return {};
}

void try_to_remove_whole(const std::string& path) noexcept {
  try {
    static_cast<void>(remove_whole(path));
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace jcn
