// Sorts byte strings that share long beginnings (addresses, paths): eight bytes are compared at a
// time, and strings that are alike so far are sorted among themselves by the next eight. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace jcn {

struct KeyToSort {
  std::string_view key;
  std::uint32_t number = 0;
  std::uint64_t eight = 0;  // of the key, the bytes that are being looked at; set by sort_keys
};
// Bytewise. Keys that are equal come in any order.
void sort_keys(std::span<KeyToSort> keys);

}  // namespace jcn
