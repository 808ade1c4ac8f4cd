#include "key_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace jcn {
namespace {

// Few different bytes, zeros among them, so that beginnings are alike and ends are short.
TEST(KeySort, SortsBytewise) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const std::string bytes = seed % 2 == 0 ? std::string("a\0\xff", 3) : std::string("a");
    const std::string beginning(random() % 30, 'x');
    std::vector<std::string> strings(random() % 200);
    for (std::string& string : strings) {
      if (random() % 2 == 0) string = beginning;
      for (auto left = random() % 20; left > 0; --left) string += bytes[random() % bytes.size()];
    }
    std::vector<KeyToSort> keys;
    for (std::uint32_t i = 0; i < strings.size(); ++i) keys.push_back({strings[i], i});
    sort_keys(keys);
    std::vector<bool> seen(strings.size());
    for (const KeyToSort& key : keys) {
      EXPECT_EQ(key.key, strings[key.number]);
      seen[key.number] = true;
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
    std::vector<std::string> sorted = strings;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(keys[i].key, sorted[i]) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace jcn
