#include "page_budget.h"

#include <malloc.h>

#include <algorithm>

namespace jcn {

std::shared_ptr<const PageBudget::Share> PageBudget::take() {
  const std::uint64_t pages = taken_.fetch_add(1) + 1;
  const std::uint64_t bytes = std::clamp(sizes_.all / pages, sizes_.smallest, sizes_.largest);
  if (bytes == sizes_.smallest) crowded_ = true;
  try {
    return std::make_shared<Share>(*this, bytes);
  } catch (...) {
    give_back();
    throw;
  }
}

void PageBudget::give_back() {
  if (taken_.fetch_sub(1) > 1 || !crowded_.exchange(false)) return;
  // What so many threads have freed would stay with the allocator otherwise.
  const Clock::time_point now = Clock::now(), before = trimmed_;
  if (now - before > std::chrono::seconds(1)) {
    trimmed_ = now;
    ::malloc_trim(0);
  }
}

}  // namespace jcn
