#include "write_fault.h"

#include <cerrno>

namespace jcn {

Error write_fault(const char* call, const std::string& path, int errno_value) {
  Error error = system_error(call, path, errno_value);
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      error.code = Code::disk_full;
      error.hint = "Nothing was changed. Make room on the disk, or raise the quota.";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      error.code = Code::read_only;
      error.hint =
          "Let the user that jcn runs as write there; beneath systemd also by ReadWritePaths=.";
      break;
    case ENAMETOOLONG:
      error.code = Code::path_too_long;
      break;
    case ENOENT:
      error.code = Code::busy;
      error.hint = "Its folder was removed meanwhile; write it again.";
      break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      error.code = Code::overloaded;
      break;
    default:
      error.code = Code::write_error;
      error.hint = "The system's log may say more of the disk.";
      break;
  }
  return error;
}

}  // namespace jcn
