// How many inotify watches the system allows.
#pragma once

#include <cstdint>
#include <fstream>

namespace jcn {

struct WatchLimit {
  std::uint64_t watches = 0;  // 0: the system does not say
  const char* sysctl = "fs.inotify.max_user_watches";
};

// The smaller of the two limits that hold here: the system's, and that of the user namespace.
inline WatchLimit watch_limit() {
  WatchLimit limit;
  std::ifstream("/proc/sys/fs/inotify/max_user_watches") >> limit.watches;
  std::uint64_t of_user = 0;
  if (std::ifstream("/proc/sys/user/max_inotify_watches") >> of_user && of_user < limit.watches) {
    limit = {of_user, "user.max_inotify_watches"};
  }
  return limit;
}

}  // namespace jcn
