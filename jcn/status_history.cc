#include "status_history.h"

#include <algorithm>

namespace jcn {

StatusHistory::Row StatusHistory::row(const Totals& now) const {
  const LatencyReading visible = now.visible.since(before_.visible);
  return {since_ns_,       now.fragments,         now.rejects,           now.read - before_.read,
          visible.total(), visible.quantile(0.5), visible.quantile(0.99)};
}

void StatusHistory::end_minute(std::int64_t now_ns, const Totals& now) {
  const std::lock_guard guard(lock_);
  ended_.push_back(row(now));
  if (ended_.size() >= most) ended_.pop_front();  // the one under way is a row, too
  since_ns_ = now_ns;
  before_ = now;
}

std::vector<StatusHistory::Row> StatusHistory::rows(std::size_t count, const Totals& now) const {
  std::vector<Row> rows;
  const std::lock_guard guard(lock_);
  if (count == 0) return rows;
  const std::size_t old = std::min(count - 1, ended_.size());
  rows.assign(ended_.end() - static_cast<std::ptrdiff_t>(old), ended_.end());
  rows.push_back(row(now));
  return rows;
}

}  // namespace jcn
