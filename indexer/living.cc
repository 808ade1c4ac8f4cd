#include "living.h"

#include <algorithm>

#include "encoding.h"
#include "keys.h"

namespace jcn {

Result<void> write_all_living(WriteTxn& txn, std::uint32_t segment, std::uint32_t records) {
  for (std::uint32_t first = 0; first < records; first += living_chunk) {
    const std::uint32_t count = std::min(living_chunk, records - first);
    std::string bitmap((count + 7) / 8, '\xff');
    if (count % 8 != 0) bitmap.back() = static_cast<char>((1U << count % 8) - 1);
    JCN_TRY([[maybe_unused]] const bool old,
            txn.put(Table::living, living_key(segment, first / living_chunk), bitmap));
  }
  return {};
}

Result<void> mark_dead(WriteTxn& txn, Deaths& deaths) {
  for (auto& [segment, locals] : deaths) {
    std::sort(locals.begin(), locals.end());
    for (auto local = locals.begin(); local != locals.end();) {
      const std::uint32_t chunk = *local / living_chunk;
      const std::string key = living_key(segment, chunk);
      JCN_TRY(const auto row, txn.get(Table::living, key));
      if (!row) return damaged("a bitmap of the living is missing");
      std::string bitmap(*row);
      for (; local != locals.end() && *local / living_chunk == chunk; ++local) {
        const std::uint32_t bit = *local % living_chunk;
        if (bit / 8 >= bitmap.size()) return damaged("a bitmap of the living is too short");
        char& byte = bitmap[bit / 8];
        byte = static_cast<char>(static_cast<unsigned char>(byte) & ~(1U << bit % 8));
      }
      JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::living, key, bitmap));
    }
  }
  return {};
}

Result<std::vector<bool>> read_living(const Transaction& txn, std::uint32_t segment,
                                      std::uint32_t records) {
  std::vector<bool> living(records);
  for (std::uint32_t first = 0; first < records; first += living_chunk) {
    const std::uint32_t count = std::min(living_chunk, records - first);
    JCN_TRY(const auto row, txn.get(Table::living, living_key(segment, first / living_chunk)));
    if (!row || row->size() != (count + 7) / 8) return damaged("a bitmap of the living");
    for (std::uint32_t bit = 0; bit < count; ++bit) {
      living[first + bit] = (static_cast<unsigned char>((*row)[bit / 8]) >> bit % 8 & 1) != 0;
    }
  }
  return living;
}

Result<PlaceSet> read_living_places(const Transaction& txn, std::uint32_t segment,
                                    std::uint32_t first, std::uint32_t end) {
  PlaceSet living(end - first);
  for (std::uint32_t at = first; at < end;) {
    const std::uint32_t chunk = at / living_chunk;
    const std::uint32_t chunk_begin = chunk * living_chunk;
    const std::uint32_t stop = std::min(end, chunk_begin + living_chunk);
    JCN_TRY(const auto row, txn.get(Table::living, living_key(segment, chunk)));
    if (!row || row->size() < (stop - chunk_begin + 7) / 8) {
      return damaged("a bitmap of the living");
    }
    while (at < stop) {
      const std::uint32_t bit = at - chunk_begin;
      const std::uint32_t next = std::min(stop, chunk_begin + (bit / 8 + 1) * 8);
      unsigned bits = static_cast<unsigned char>((*row)[bit / 8]) >> bit % 8;
      bits &= (1U << (next - at)) - 1;
      living.set_eight(at - first, static_cast<std::uint8_t>(bits));
      at = next;
    }
  }
  return living;
}

Result<void> erase_segment(WriteTxn& txn, std::uint32_t segment) {
  JCN_CHECK(
      txn.erase_range(Table::segments, segment_key(segment, 0, 0), segment_key(segment + 1, 0, 0)));
  return txn.erase_range(Table::living, living_key(segment, 0), living_key(segment + 1, 0));
}

}  // namespace jcn
