// What a thread does when there is no memory. Threads that answer requests let the request fail
// (std::bad_alloc). Threads that keep track of things (which file is to be read, who waits for it)
// can't fail in the middle of that: they wait until there is memory again, and the service
// manager's watchdog ends the process when there is none for long. Pieces of their work that can be
// tried again as a whole fail instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <new>
#include <utility>

#include "jcn/result.h"

namespace jcn {

// From here on operator new consults the thread's patience (std::set_new_handler).
void install_memory_patience();

// While it lives, the thread waits for memory (true), or not. Threads begin without patience.
class MemoryPatience {
 public:
  explicit MemoryPatience(bool patient);
  ~MemoryPatience();
  MemoryPatience(const MemoryPatience&) = delete;
  MemoryPatience& operator=(const MemoryPatience&) = delete;

 private:
  const bool before_;
};

// How often some thread has waited, and whether one has within this time.
std::uint64_t memory_waits();
bool waited_for_memory_within(std::chrono::steady_clock::duration time);

Error out_of_memory();

// What the work returns, a Result; an error instead when there is not enough memory for it.
template <class Work>
auto as_far_as_memory_goes(Work&& work) -> decltype(work()) {
  try {
    const MemoryPatience none(false);
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace jcn
