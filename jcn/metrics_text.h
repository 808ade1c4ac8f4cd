// Prometheus' text format, version 0.0.4.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "latency_histogram.h"
#include "metric_table.h"

namespace jcn {

// Writes metrics from left to right; all values of one stand together.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit MetricsText(std::string& out) : out_(out) {}

  // Label values are escaped.
  void value(const MetricRow& row, std::uint64_t value, Labels labels = {});
  void histogram(const MetricRow& row, const LatencyReading& reading, Labels labels = {});

 private:
  void head(const MetricRow& row);
  void sample(std::string_view name, std::string_view suffix, Labels labels, std::string_view le,
              std::string_view value);

  std::string& out_;
  const MetricRow* under_ = nullptr;  // whose head was written last
};

}  // namespace jcn
