// For what must follow: after a commit there is no way back.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace jcn {

// Does the work, and waits for memory where there is none. Until it needs no more of it, the work
// changes nothing: it is begun anew.
template <class Work>
void surely(Work work) {
  for (;;) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

}  // namespace jcn
