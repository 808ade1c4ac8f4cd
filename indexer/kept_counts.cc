#include "kept_counts.h"

namespace jcn {
namespace {

// Of an entry's nodes and blocks, roughly.
constexpr std::size_t entry_bytes = 256;

}  // namespace

std::size_t ValueCounts::bytes() const {
  return sizeof *this + places.words().capacity() * sizeof(std::uint64_t) +
         (counts.capacity() + frequent.capacity()) * sizeof(std::uint32_t);
}

void KeptCounts::erase(std::map<Name, Order::iterator>::iterator found) {
  bytes_ -= found->second->bytes;
  order_.erase(found->second);
  by_name_.erase(found);
}

std::shared_ptr<const ValueCounts> KeptCounts::find(const SearchOutline& outline,
                                                    const SegmentField& field) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find({&outline, outline.field_number(field)});
  if (found == by_name_.end()) return nullptr;
  if (found->second->outline.expired()) {  // another one had its address
    erase(found);
    return nullptr;
  }
  order_.splice(order_.begin(), order_, found->second);
  return found->second->counts;
}

void KeptCounts::keep(const std::shared_ptr<const SearchOutline>& outline,
                      const SegmentField& field, std::shared_ptr<const ValueCounts> counts) {
  const Name name(outline.get(), outline->field_number(field));
  const std::size_t bytes = counts->bytes() + entry_bytes;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) erase(found);
  if (bytes > most_bytes_) return;
  while (bytes_ + bytes > most_bytes_) erase(by_name_.find(order_.back().name));
  Order made;  // whatever memory is wanting: either both have it or none
  made.push_front({name, outline, std::move(counts), bytes});
  by_name_.emplace(name, made.begin());
  order_.splice(order_.begin(), made);
  bytes_ += bytes;
}

std::size_t KeptCounts::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace jcn
