// Value counts: how many records of a set have each value of a field, in one segment; and such
// counts kept for the next query. A segment never changes, so counts are right for their set of
// places for ever, whatever is published meanwhile: of another set, only the places in which the
// two differ have to be counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "posting_list.h"
#include "segment_search.h"

namespace jcn {

// Immutable once shared.
struct ValueCounts {
  PlaceSet places;                    // of the kind's range: those that were counted
  std::vector<std::uint32_t> counts;  // by ordinal
  std::uint32_t first_value = 0;      // ordinals below it are markers, or null
  std::size_t values = 0;             // that any record has
  std::uint64_t records = 0;          // each once for each of its values
  // Ordinals of those that most records have, most first; of equals, lesser ones first.
  std::vector<std::uint32_t> frequent;

  std::size_t bytes() const;  // of memory
};

// Thread-safe.
class KeptCounts {
 public:
  static constexpr std::size_t usual_bytes = 8 << 20;

  // Holds so many bytes at most: what was not asked for the longest goes first.
  explicit KeptCounts(std::size_t most_bytes = usual_bytes) : most_bytes_(most_bytes) {}

  // What was kept last for a field of this outline; null: nothing.
  std::shared_ptr<const ValueCounts> find(const SearchOutline& outline, const SegmentField& field);
  // In place of what was kept before.
  void keep(const std::shared_ptr<const SearchOutline>& outline, const SegmentField& field,
            std::shared_ptr<const ValueCounts> counts);
  std::size_t bytes() const;

 private:
  // An outline has an address of its own as long as it lives.
  using Name = std::pair<const SearchOutline*, std::uint32_t>;
  struct Kept {
    Name name;
    std::weak_ptr<const SearchOutline> outline;
    std::shared_ptr<const ValueCounts> counts;
    std::size_t bytes = 0;
  };
  using Order = std::list<Kept>;

  void erase(std::map<Name, Order::iterator>::iterator found);

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  // All under the mutex.
  Order order_;  // asked for last, first
  std::map<Name, Order::iterator> by_name_;
  std::size_t bytes_ = 0;
};

}  // namespace jcn
