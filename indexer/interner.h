// Gives numbers to byte strings, each once per space: the keys of a field, the words of all texts.
// One thread. Hashes are seeded at random per process, so that no documents can be made to be slow.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace jcn {

class Interner {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  class Entry {
   public:
    Entry(std::string_view bytes, std::uint32_t space) : size_(size32(bytes)), space_(space) {
      if (is_short() && size_ > 0) std::memcpy(bytes_, bytes.data(), bytes.size());
    }
    std::uint32_t space() const { return space_; }
    // Lasts until the next string is given a number.
    std::string_view bytes() const { return {is_short() ? bytes_ : long_bytes(), size_}; }

    // For the owner's use: the last place that it was seen at, at how many, and a number of the
    // owner's choice.
    std::uint32_t last_place = none, places = 0, slot = 0;

   private:
    friend class Interner;
    static std::uint32_t size32(std::string_view bytes) {
      return static_cast<std::uint32_t>(bytes.size());
    }
    bool is_short() const { return size_ <= sizeof bytes_; }
    const char* long_bytes() const {
      const char* bytes = nullptr;
      std::memcpy(&bytes, bytes_, sizeof bytes);
      return bytes;
    }
    std::uint32_t size_, space_;
    char bytes_[12] = {};  // of a short string; most words are. Otherwise a pointer into chunks_
  };

  // The number of this string in this space: from 0 on, in the order in which they first came.
  std::uint32_t number(std::string_view bytes, std::uint32_t space = 0) {
    return number(bytes, space, hash(bytes, space));
  }
  // The same in steps. A table of many strings is not in the processor's caches: time between the
  // steps is time that is not spent waiting for them.
  static std::uint32_t hash(std::string_view bytes, std::uint32_t space = 0);
  void fetch_bucket(std::uint32_t hash) const {
    if (!buckets_.empty()) __builtin_prefetch(&buckets_[hash & (buckets_.size() - 1)]);
  }
  void fetch_entry(std::uint32_t hash) const {
    if (buckets_.empty()) return;
    const Bucket& bucket = buckets_[hash & (buckets_.size() - 1)];
    if (bucket.number != none) __builtin_prefetch(&entries_[bucket.number], 1);
  }
  std::uint32_t number(std::string_view bytes, std::uint32_t space, std::uint32_t hash);

  Entry& operator[](std::uint32_t number) { return entries_[number]; }
  const Entry& operator[](std::uint32_t number) const { return entries_[number]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }

 private:
  void add(std::string_view bytes, std::uint32_t space);
  const char* keep(std::string_view bytes);
  void grow();

  struct Bucket {
    std::uint32_t hash = 0;
    std::uint32_t number = none;
  };
  std::vector<Bucket> buckets_;  // a power of two, at most three quarters taken
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> chunks_;  // the strings that are not short
  std::size_t chunk_left_ = 0, chunk_bytes_ = 0;
  char* chunk_at_ = nullptr;
};

}  // namespace jcn
