#include "memory_patience.h"

#include <atomic>
#include <thread>

namespace jcn {
namespace {

constexpr std::chrono::milliseconds pause{20};

thread_local bool patient_here = false;
std::atomic<std::uint64_t> waits{0};
std::atomic<std::int64_t> last_wait{0};  // steady_clock's count; meaningful while waits > 0

// Called by operator new when there is no memory; it tries again when this returns.
void wait_or_fail() {
  if (!patient_here) throw std::bad_alloc();
  last_wait = std::chrono::steady_clock::now().time_since_epoch().count();
  ++waits;
  std::this_thread::sleep_for(pause);
}

}  // namespace

void install_memory_patience() {
  std::set_new_handler(wait_or_fail);
}

MemoryPatience::MemoryPatience(bool patient) : before_(std::exchange(patient_here, patient)) {}

MemoryPatience::~MemoryPatience() {
  patient_here = before_;
}

std::uint64_t memory_waits() {
  return waits;
}

bool waited_for_memory_within(std::chrono::steady_clock::duration time) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return waits > 0 && now.count() - last_wait < time.count();
}

Error out_of_memory() {
  return Error{Code::system, "out of memory", ""};
}

}  // namespace jcn
