#include "metrics_text.h"

#include <array>
#include <charconv>

namespace jcn {
namespace {

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::gauge:
      return "gauge";
    case MetricType::counter:
      return "counter";
    case MetricType::histogram:
      return "histogram";
  }
  return {};
}

std::string seconds(std::chrono::nanoseconds time) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 static_cast<double>(time.count()) / 1e9, std::chars_format::fixed);
  return {digits.data(), end.ptr};
}

}  // namespace

void MetricsText::head(const MetricRow& row) {
  if (under_ == &row) return;
  under_ = &row;
  out_.append("# HELP ").append(row.name).append(" ").append(row.help);
  out_.append("\n# TYPE ").append(row.name).append(" ").append(type_name(row.type)).append("\n");
}

void MetricsText::sample(std::string_view name, std::string_view suffix, Labels labels,
                         std::string_view le, std::string_view value) {
  out_.append(name).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view key, std::string_view text) {
    out_ += before;
    out_.append(key).append("=\"");
    for (const char c : text) {
      if (c == '\\' || c == '"') out_ += '\\';
      out_.append(c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1));
    }
    out_ += '"';
    before = ',';
  };
  for (const auto& [key, text] : labels) label(key, text);
  if (!le.empty()) label("le", le);
  if (before == ',') out_ += '}';
  out_.append(" ").append(value).append("\n");
}

void MetricsText::value(const MetricRow& row, std::uint64_t value, Labels labels) {
  head(row);
  sample(row.name, {}, labels, {}, std::to_string(value));
}

void MetricsText::histogram(const MetricRow& row, const LatencyReading& reading, Labels labels) {
  head(row);
  std::uint64_t upto = 0;
  for (std::size_t i = 0; i < LatencyReading::bounds.size(); ++i) {
    upto += reading.counts[i];
    sample(row.name, "_bucket", labels, seconds(LatencyReading::bounds[i]), std::to_string(upto));
  }
  const std::string all = std::to_string(reading.total());
  sample(row.name, "_bucket", labels, "+Inf", all);
  sample(row.name, "_sum", labels, {}, seconds(reading.sum));
  sample(row.name, "_count", labels, {}, all);
}

}  // namespace jcn
