// Memory for pages of records, from their making until their clients have taken them. One page may
// fill 8 MiB; the more of them there are at once, the smaller new ones get. A short page is no
// failure: it says where the next one begins.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace jcn {

// Thread-safe.
class PageBudget {
 public:
  // With n pages the next one gets all / (n + 1) bytes, within these bounds: n pages hold about
  // all * (1 + ln(n * largest / all)), until the smallest are added up.
  struct Sizes {
    std::uint64_t all = 32 << 20, largest = 8 << 20, smallest = 512 << 10;
  };
  explicit PageBudget(Sizes sizes) : sizes_(sizes) {}
  PageBudget() : PageBudget(Sizes{}) {}
  PageBudget(const PageBudget&) = delete;
  PageBudget& operator=(const PageBudget&) = delete;

  class Share {
   public:
    Share(PageBudget& budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    ~Share() { budget_.give_back(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    std::uint64_t bytes() const { return bytes_; }

   private:
    PageBudget& budget_;
    const std::uint64_t bytes_;
  };
  // Of one page; the budget must outlive it.
  std::shared_ptr<const Share> take();

 private:
  using Clock = std::chrono::steady_clock;
  void give_back();

  const Sizes sizes_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<bool> crowded_{false};  // some page was of the smallest size, since there was none
  std::atomic<Clock::time_point> trimmed_{Clock::time_point()};
};

}  // namespace jcn
