// The folders that jcn reads, through the eyes of the user that it runs as.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config.h"
#include "doctor.h"
#include "doctor_unit.h"

namespace jcn_doctor {

// As long as it lives, files are opened as this user, where this process is root's. For a process
// with one thread.
class AsUser {
 public:
  explicit AsUser(const std::string& name);
  ~AsUser();
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
  bool known() const { return known_; }  // there is such a user, and this process could become it

 private:
  std::vector<gid_t> groups_;  // this process's own
  bool known_ = false, changed_ = false;
};

struct FolderCount {
  std::uint64_t folders = 0, files = 0;  // files that a rule takes
};

// Goes over all of it. `user`: who reads, for what is said. `progress`: told now and then.
FolderCount look_at_folder(const jcn::RootConfig& root, const jcn::Rules& rules,
                           const std::string& user, const Report& report,
                           const std::function<void(const FolderCount&)>& progress);

// Whether the service sees the folder, and may write to it where it is to.
void look_at_sandbox(const jcn::RootConfig& root, bool writable, const ServiceUnit& unit,
                     const Report& report);

}  // namespace jcn_doctor
