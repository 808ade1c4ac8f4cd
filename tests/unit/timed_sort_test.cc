#include "timed_sort.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "jcn/index_writer.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class TimedSortTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = IndexWriter::open((folder_ / "index").string(), WriterOptions{});
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = *std::move(opened);
    auto taken = writer_->snapshot();
    ASSERT_TRUE(taken) << taken.error().message;
    snapshot_.emplace(*std::move(taken));
  }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  std::optional<Snapshot> snapshot_;
};

TEST_F(TimedSortTest, SortsAnyNumberOfElements) {
  QueryRun run(*snapshot_, QueryRun::Clock::time_point::max());
  std::mt19937 random(7);
  for (const std::size_t size : {0u, 1u, 2u, 255u, 256u, 257u, 511u, 513u, 1000u, 5000u}) {
    // Only moved, never copied.
    std::vector<std::unique_ptr<unsigned>> values;
    std::vector<unsigned> expected;
    for (std::size_t i = 0; i < size; ++i) {
      expected.push_back(static_cast<unsigned>(random() % 1000));
      values.push_back(std::make_unique<unsigned>(expected.back()));
    }
    std::sort(expected.begin(), expected.end());
    const auto done =
        sort_in_time(run, values, [](const auto& a, const auto& b) { return *a < *b; });
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(values.size(), size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(*values[i], expected[i]) << size << " " << i;
  }
}

// FAULTS 52.
TEST_F(TimedSortTest, EndsSoonAfterTheDeadline) {
  QueryRun run(*snapshot_, QueryRun::Clock::time_point::min());
  std::vector<int> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i * 7919 % 100'003);
  std::uint64_t comparisons = 0;
  const auto done = sort_in_time(run, values, [&](int a, int b) {
    ++comparisons;
    return a < b;
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::query_timeout);
  EXPECT_LT(comparisons, 50'000u);
}

}  // namespace
}  // namespace jcn
