#include "jcn/record.h"

#include <algorithm>
#include <cstring>

#include "xxh3.h"

namespace jcn {

std::string Hash128::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Hash128 hash128(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  Hash128 hash;
  static_assert(sizeof canonical.digest == sizeof hash.bytes);
  std::memcpy(hash.bytes.data(), canonical.digest, hash.bytes.size());
  return hash;
}

namespace {

bool older(const FragmentInfo& a, const FragmentInfo& b) {
  return a.mtime_ns < b.mtime_ns;
}

}  // namespace

std::int64_t Record::created_ns() const {
  if (fragments.empty()) return 0;
  return std::min_element(fragments.begin(), fragments.end(), older)->mtime_ns;
}

std::int64_t Record::updated_ns() const {
  if (fragments.empty()) return 0;
  return std::max_element(fragments.begin(), fragments.end(), older)->mtime_ns;
}

}  // namespace jcn
