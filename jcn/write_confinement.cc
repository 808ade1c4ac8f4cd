#include "write_confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "jcn/file_descriptor.h"

namespace jcn {
namespace {

// Before it, files could not be renamed from one folder to another at all.
constexpr long first_version_with_refer = 2;
// LANDLOCK_ACCESS_FS_TRUNCATE, which the headers of Linux 6.1 do not have.
constexpr long first_version_with_truncate = 3;
constexpr std::uint64_t truncating = 1ULL << 14;
constexpr std::uint64_t file_rights = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t rights =
    file_rights | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;

// The C library of Debian 12 has no wrappers.
long landlock_version() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

Result<void> allow(int ruleset, const std::string& path, std::uint64_t what) {
  const FileDescriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return system_error("open", path, errno);
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = what;
  beneath.parent_fd = file.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
    return system_error("landlock_add_rule", path, errno);
  return {};
}

}  // namespace

Result<bool> confine_writing(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return system_error("mkdir", folder, error.value());
  }
  const long version = landlock_version();
  if (version < first_version_with_refer) return false;
  const std::uint64_t further = version < first_version_with_truncate ? 0 : truncating;
  landlock_ruleset_attr handled{};
  handled.handled_access_fs = rights | further;
  const FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!ruleset) return system_error("landlock_create_ruleset", "", errno);
  for (const std::string& folder : folders)
    JCN_CHECK(allow(ruleset.get(), folder, rights | further));
  JCN_CHECK(allow(ruleset.get(), "/dev/null", file_rights | further));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("prctl", "", errno);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return system_error("landlock_restrict_self", "", errno);
  return true;
}

}  // namespace jcn
