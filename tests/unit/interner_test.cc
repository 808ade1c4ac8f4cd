#include "interner.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace jcn {
namespace {

TEST(Interner, NumbersEachStringOncePerSpace) {
  std::mt19937 random(1);
  Interner interner;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> numbers;
  for (int round = 0; round < 50'000; ++round) {
    // Lengths on both sides of what an entry holds itself, and some beyond a chunk.
    const std::size_t size = random() % 5000 == 0 ? 300'000
                             : random() % 3 == 0  ? 12
                                                  : random() % 30;
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 2); ++i) {
      bytes[size - 1 - i] = static_cast<char>(random());
    }
    const std::uint32_t space = static_cast<std::uint32_t>(random() % 3);
    const auto [known, made] = numbers.try_emplace({space, bytes}, interner.size());
    const std::uint32_t hash = Interner::hash(bytes, space);
    interner.fetch_bucket(hash);
    interner.fetch_entry(hash);
    ASSERT_EQ(interner.number(bytes, space), known->second);
    ASSERT_EQ(interner.size(), numbers.size());
  }
  for (const auto& [key, number] : numbers) {
    EXPECT_EQ(interner[number].bytes(), key.second);
    EXPECT_EQ(interner[number].space(), key.first);
    EXPECT_EQ(interner[number].last_place, Interner::none);
  }
}

}  // namespace
}  // namespace jcn
