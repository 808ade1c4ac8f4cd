#include "jcn/result.h"

#include <cerrno>
#include <cstring>

#include "jcn/utf8.h"

namespace jcn {
namespace {

const char* hint_for(int errno_value) {
  switch (errno_value) {
    case EACCES:
    case EPERM:
      return "Check the owner and the permissions of the file and of the folders above it.";
    case ENOSPC:
    case EDQUOT:
      return "Free some space on the file system.";
    case EMFILE:
      return "Raise the limit of open files (ulimit -n, or LimitNOFILE= in the unit).";
    case EROFS:
      return "The file system is mounted read-only.";
    default:
      return "";
  }
}

}  // namespace

Error system_error(const char* call, const std::string& subject, int errno_value) {
  // strerror(3) shares a buffer between threads; strerrordesc_np(3) does not.
  const char* cause = ::strerrordesc_np(errno_value);
  Error error{Code::system, call, hint_for(errno_value)};
  if (!subject.empty()) error.message += ' ' + printable_path(subject);
  error.message += ": ";
  error.message += cause ? std::string(cause) : "error " + std::to_string(errno_value);
  return error;
}

}  // namespace jcn
