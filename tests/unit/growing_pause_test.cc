#include "growing_pause.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using std::chrono::milliseconds;

TEST(GrowingPause, DoublesUpToTheLongest) {
  const auto pause = [](std::uint64_t failures) {
    return growing_pause(failures, milliseconds(100), milliseconds(5000)).count();
  };
  EXPECT_EQ(pause(1), 100);
  EXPECT_EQ(pause(2), 200);
  EXPECT_EQ(pause(6), 3200);
  EXPECT_EQ(pause(7), 5000);
  EXPECT_EQ(pause(~std::uint64_t{0}), 5000);
  EXPECT_EQ(growing_pause(1, milliseconds(7), milliseconds(5)), milliseconds(5));
  EXPECT_EQ(growing_pause(99, milliseconds(1), milliseconds::max()), milliseconds::max());
}

}  // namespace
}  // namespace jcn
