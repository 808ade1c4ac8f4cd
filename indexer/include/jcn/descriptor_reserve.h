// One file descriptor that is kept back, for a thread that must go on reading when the process, or
// the system, has no more of them: others (connections, say) may hold theirs for long.
#pragma once

#include <cerrno>

#include "jcn/file_descriptor.h"

namespace jcn {

// One thread.
class DescriptorReserve {
 public:
  DescriptorReserve() { refill(); }
  // After EMFILE or ENFILE: true when trying the call again may help. Other threads may be quicker.
  bool spend();
  // Once what was opened instead is closed.
  void refill();

 private:
  FileDescriptor kept_;
};

// Calls `open`, which returns a descriptor or -1 and sets errno, at most twice.
template <class Open>
int open_with_reserve(DescriptorReserve* reserve, Open&& open) {
  int fd = open();
  if (fd < 0 && reserve && (errno == EMFILE || errno == ENFILE) && reserve->spend()) fd = open();
  return fd;
}

}  // namespace jcn
