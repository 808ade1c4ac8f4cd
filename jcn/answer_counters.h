// How many answers of which status each route gave, and how long they took to make. Counted by
// handle() in routes.cc.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "http_status.h"
#include "latency_histogram.h"

namespace jcn {

// Any thread. A route is its place in the route table.
class AnswerCounters {
 public:
  static constexpr std::size_t most_routes = 48;  // that of what no route takes among them

  void count(std::size_t route, int status, std::chrono::nanoseconds took);
  // Of a status of status_table; what is none of them counts as 500.
  std::uint64_t answers(std::size_t route, int status) const;
  LatencyReading took(std::size_t route) const { return routes_[route].took.read(); }

 private:
  struct Route {
    std::array<std::atomic<std::uint64_t>, status_table.size()> by_status{};
    LatencyHistogram took;
  };
  std::array<Route, most_routes> routes_;
};

}  // namespace jcn
