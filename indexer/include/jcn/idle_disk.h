// The lowest class of I/O priority: what can wait reads when nobody else does.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

namespace jcn {

// Of the thread that makes it, while it lives. Should it fail, the thread only takes more of the
// machine. See ioprio_set(2), which has no wrapper in glibc 2.36.
class IdleDisk {
 public:
  IdleDisk() : before_(::syscall(SYS_ioprio_get, of_process, 0)) {
    (void)::syscall(SYS_ioprio_set, of_process, 0, idle_class);
  }
  ~IdleDisk() {
    if (before_ < 0 || ::syscall(SYS_ioprio_set, of_process, 0, before_) != 0) {
      (void)::syscall(SYS_ioprio_set, of_process, 0, none);
    }
  }
  IdleDisk(const IdleDisk&) = delete;
  IdleDisk& operator=(const IdleDisk&) = delete;

 private:
  // linux/ioprio.h
  static constexpr int of_process = 1, none = 0, idle_class = 3 << 13;
  const long before_;
};

}  // namespace jcn
