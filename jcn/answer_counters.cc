#include "answer_counters.h"

#include <algorithm>

namespace jcn {
namespace {

std::size_t place_of(int status) {
  const auto place = std::find_if(status_table.begin(), status_table.end(),
                                  [status](const StatusRow& row) { return row.status == status; });
  if (place == status_table.end()) return place_of(500);
  return static_cast<std::size_t>(place - status_table.begin());
}

}  // namespace

void AnswerCounters::count(std::size_t route, int status, std::chrono::nanoseconds took) {
  Route& counted = routes_[route];
  counted.by_status[place_of(status)].fetch_add(1, std::memory_order_relaxed);
  counted.took.count(took);
}

std::uint64_t AnswerCounters::answers(std::size_t route, int status) const {
  return routes_[route].by_status[place_of(status)].load(std::memory_order_relaxed);
}

}  // namespace jcn
