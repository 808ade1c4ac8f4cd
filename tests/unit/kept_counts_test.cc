#include "kept_counts.h"

#include <gtest/gtest.h>

#include <memory>

namespace jcn {
namespace {

std::shared_ptr<const SearchOutline> outline_with(std::size_t fields) {
  auto outline = std::make_shared<SearchOutline>();
  outline->fields.resize(fields);
  return outline;
}

std::shared_ptr<const ValueCounts> counts_of(std::uint32_t places, std::size_t values) {
  auto counts = std::make_shared<ValueCounts>();
  counts->places = PlaceSet(places, true);
  counts->counts.resize(values);
  return counts;
}

TEST(KeptCounts, GivesBackWhatWasKeptLastForAFieldOfAnOutline) {
  KeptCounts kept;
  const auto outline = outline_with(2), other = outline_with(2);
  const auto first = counts_of(10, 3), second = counts_of(20, 4), newer = counts_of(11, 3);
  EXPECT_EQ(kept.find(*outline, outline->fields[0]), nullptr);
  kept.keep(outline, outline->fields[0], first);
  kept.keep(outline, outline->fields[1], second);
  EXPECT_EQ(kept.find(*outline, outline->fields[0]), first);
  EXPECT_EQ(kept.find(*outline, outline->fields[1]), second);
  EXPECT_EQ(kept.find(*other, other->fields[0]), nullptr);
  kept.keep(outline, outline->fields[0], newer);
  EXPECT_EQ(kept.find(*outline, outline->fields[0]), newer);
}

TEST(KeptCounts, NeverHoldsMoreThanItsBytesAndLetsGoWhatWasNotAskedForTheLongest) {
  const auto outline = outline_with(40);
  const auto counts = counts_of(64, 1000);
  std::size_t one = 0;
  {
    KeptCounts kept;
    kept.keep(outline, outline->fields[0], counts);
    one = kept.bytes();
    EXPECT_GE(one, counts->bytes());
    kept.keep(outline, outline->fields[0], counts);
    EXPECT_EQ(kept.bytes(), one);
  }
  KeptCounts kept(one * 3);
  for (std::size_t i = 0; i < 3; ++i) kept.keep(outline, outline->fields[i], counts);
  EXPECT_EQ(kept.bytes(), one * 3);
  EXPECT_NE(kept.find(*outline, outline->fields[0]), nullptr);
  kept.keep(outline, outline->fields[3], counts);
  EXPECT_EQ(kept.bytes(), one * 3);
  EXPECT_NE(kept.find(*outline, outline->fields[0]), nullptr);
  EXPECT_EQ(kept.find(*outline, outline->fields[1]), nullptr);
  EXPECT_NE(kept.find(*outline, outline->fields[3]), nullptr);
  for (std::size_t i = 4; i < 40; ++i) {
    kept.keep(outline, outline->fields[i], counts_of(64, 100 * i));
    EXPECT_LE(kept.bytes(), one * 3);
  }
}

TEST(KeptCounts, DoesNotKeepWhatIsTooLargeAndForgetsWhatItReplaces) {
  const auto outline = outline_with(2);
  KeptCounts kept(10'000);
  kept.keep(outline, outline->fields[0], counts_of(10, 100));
  kept.keep(outline, outline->fields[1], counts_of(10, 100));
  kept.keep(outline, outline->fields[0], counts_of(10, 100'000));
  EXPECT_EQ(kept.find(*outline, outline->fields[0]), nullptr);
  EXPECT_NE(kept.find(*outline, outline->fields[1]), nullptr);
  EXPECT_LE(kept.bytes(), 10'000U);
}

// A fresh piece is gone once it is folded, and another may stand where it stood.
TEST(KeptCounts, DoesNotTakeAnOutlineForOneThatHadItsAddress) {
  KeptCounts kept;
  alignas(SearchOutline) unsigned char memory[sizeof(SearchOutline)];
  const auto at_one_address = [&] {
    auto* outline = new (memory) SearchOutline;
    outline->fields.resize(1);
    return std::shared_ptr<const SearchOutline>(
        outline, [](const SearchOutline* gone) { gone->~SearchOutline(); });
  };
  auto first = at_one_address();
  kept.keep(first, first->fields[0], counts_of(10, 3));
  EXPECT_NE(kept.find(*first, first->fields[0]), nullptr);
  first.reset();
  const auto second = at_one_address();
  EXPECT_EQ(kept.find(*second, second->fields[0]), nullptr);
  EXPECT_EQ(kept.bytes(), 0U);
}

}  // namespace
}  // namespace jcn
