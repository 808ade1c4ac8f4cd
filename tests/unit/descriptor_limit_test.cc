#include "descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace jcn {
namespace {

constexpr Connections wanted{256, 256};

TEST(DescriptorLimit, GivesWhatIsWantedWhereThereIsEnough) {
  EXPECT_EQ(*share_descriptors(1024, 1, 0, wanted), wanted);
  // Each webhook may have two.
  EXPECT_EQ(share_descriptors(200, 1, 9, wanted)->threads,
            share_descriptors(182, 1, 0, wanted)->threads);
  EXPECT_EQ(*share_descriptors(UINT64_MAX, 1, 0, wanted), wanted);
  EXPECT_EQ(*share_descriptors(RLIM_INFINITY, 1, 0, wanted), wanted);
}

TEST(DescriptorLimit, LeavesEnoughForTheRestAtEveryLimit) {
  for (const std::size_t roots : {1, 7, 40}) {
    for (std::uint64_t limit = 83 + 2 * (roots - 1); limit < 1000; ++limit) {
      const auto given = share_descriptors(limit, roots, 0, wanted);
      ASSERT_TRUE(given) << limit;
      EXPECT_LE(given->threads + given->queue + 65 + 2 * roots, limit);
      EXPECT_GE(given->threads, 8U);
      EXPECT_GE(given->queue, 8U);
      EXPECT_LE(given->threads, wanted.threads);
      EXPECT_LE(given->queue, wanted.queue);
      // None is kept back that somebody wants.
      const bool all = *given == wanted;
      EXPECT_TRUE(all || given->threads + given->queue + 65 + 2 * roots == limit) << limit;
    }
  }
}

TEST(DescriptorLimit, RefusesToStartWithTooFew) {
  const auto refused = share_descriptors(82, 1, 0, wanted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::bad_configuration);
  EXPECT_EQ(refused.error().message, "the limit of open files is 82, jcn needs 83 at least");
}

TEST(DescriptorLimit, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max, 200);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace jcn
