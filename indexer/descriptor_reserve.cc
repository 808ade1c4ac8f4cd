#include "jcn/descriptor_reserve.h"

#include <fcntl.h>

namespace jcn {

bool DescriptorReserve::spend() {
  if (!kept_) return false;
  kept_.reset();
  return true;
}

void DescriptorReserve::refill() {
  if (!kept_) kept_ = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace jcn
