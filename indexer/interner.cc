#define XXH_INLINE_ALL  // strings are short: the call would cost as much as the hash
#include "interner.h"

#include <xxhash.h>

#include <algorithm>
#include <random>

namespace jcn {
namespace {

constexpr std::size_t first_buckets = 256;
constexpr std::size_t first_chunk = 4 << 10, largest_chunk = 256 << 10;

}  // namespace

std::uint32_t Interner::hash(std::string_view bytes, std::uint32_t space) {
  static const std::uint64_t seed = std::random_device{}() * std::uint64_t{0x100000001};
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed + space));
}

std::uint32_t Interner::number(std::string_view bytes, std::uint32_t space, std::uint32_t hash) {
  if (entries_.size() * 4 >= buckets_.size() * 3) grow();
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Bucket& bucket = buckets_[at];
    if (bucket.number == none) {
      bucket = {hash, size()};
      add(bytes, space);
      return bucket.number;
    }
    if (bucket.hash != hash) continue;
    const Entry& entry = entries_[bucket.number];
    if (entry.space_ == space && entry.bytes() == bytes) return bucket.number;
  }
}

void Interner::add(std::string_view bytes, std::uint32_t space) {
  Entry& entry = entries_.emplace_back(bytes, space);
  if (entry.is_short()) return;
  const char* const kept = keep(bytes);
  std::memcpy(entry.bytes_, &kept, sizeof kept);
}

void Interner::grow() {
  std::vector<Bucket> old(std::max(first_buckets, buckets_.size() * 2));
  old.swap(buckets_);
  const std::size_t mask = buckets_.size() - 1;
  for (const Bucket& bucket : old) {
    if (bucket.number == none) continue;
    std::size_t at = bucket.hash & mask;
    while (buckets_[at].number != none) at = (at + 1) & mask;
    buckets_[at] = bucket;
  }
}

const char* Interner::keep(std::string_view bytes) {
  if (bytes.size() > chunk_left_) {
    chunk_bytes_ = std::clamp(chunk_bytes_ * 2, first_chunk, largest_chunk);
    chunk_left_ = std::max(chunk_bytes_, bytes.size());
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_left_));
    chunk_at_ = chunks_.back().get();
  }
  char* const kept = chunk_at_;
  std::memcpy(kept, bytes.data(), bytes.size());
  chunk_at_ += bytes.size();
  chunk_left_ -= bytes.size();
  return kept;
}

}  // namespace jcn
