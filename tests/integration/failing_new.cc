// Preloaded into jcn by test_shortages.py: an operator new that runs out of memory now and then, as
// FAILING_NEW says: "N" the N-th time that it is called, "/N" each N-th time beyond the first 5,000.
// It counts from when the program has installed a new-handler. At the end it writes how often it was called, and how often
// it failed, to the file FAILING_NEW_COUNTS.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<unsigned long long> calls{0}, failures{0};

bool fails_now() {
  static const char* const when = std::getenv("FAILING_NEW");
  if (!when) return false;
  const unsigned long long call = ++calls;
  const bool each = when[0] == '/';
  static const unsigned long long number = std::strtoull(when + (each ? 1 : 0), nullptr, 10);
  if (number == 0) return false;
  return each ? call > 5000 && call % number == 0 : call == number;
}

// The file is opened at once: later jcn may have given up writing elsewhere than in its index. What jcn
// starts does not count.
struct Report {
  Report() {
    if (const char* file = std::getenv("FAILING_NEW_COUNTS")) out = std::fopen(file, "we");
    ::unsetenv("FAILING_NEW_COUNTS");
  }
  ~Report() {
    if (!out) return;
    std::fprintf(out, "%llu %llu\n", calls.load(), failures.load());
    std::fclose(out);
  }
  std::FILE* out = nullptr;
} report;

// As the standard wants it: the handler throws, or makes another try worth while.
void* allocate(std::size_t size, std::size_t alignment) {
  bool fail = std::get_new_handler() && fails_now();
  for (;;) {
    if (!fail) {
      void* memory = alignment == 0
                         ? std::malloc(size == 0 ? 1 : size)
                         : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
      if (memory) return memory;
    } else {
      ++failures;
    }
    fail = false;
    const std::new_handler handler = std::get_new_handler();
    if (!handler) throw std::bad_alloc();
    handler();
  }
}

void* allocate_or_null(std::size_t size) noexcept {
  try {
    return allocate(size, 0);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 0); }
void* operator new[](std::size_t size) { return allocate(size, 0); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
