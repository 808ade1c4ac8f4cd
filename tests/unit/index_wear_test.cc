#include <gtest/gtest.h>

#include "index_lives.h"
#include "index_model.h"
#include "jcn/index_writer.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

TEST(IndexWear, WhatWasReplacedWearsAndARewriteMends) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  EXPECT_FALSE(writer->worn());
  must(writer->publish(heavy_records(0)));
  must(writer->fold());
  EXPECT_GT(writer->index_bytes(), 4U << 20);
  EXPECT_FALSE(writer->worn()) << "nothing was replaced yet";
  const int version = wear_out(*writer);
  EXPECT_GT(version, 0);
  const std::uint64_t before = writer->index_bytes();
  RewriteWish wish;
  wish.merge = true;
  must(writer->rewrite(IndexHealth{}, wish));
  EXPECT_FALSE(writer->worn());
  EXPECT_LT(writer->index_bytes(), before - before / 4);
  EXPECT_LT(before, 3 * writer->index_bytes()) << "it is noticed in time";
  IndexModel model;
  for (int made = 0; made <= version; ++made) model.apply(heavy_records(made));
  model.expect_equal(must(writer->snapshot()));
}

TEST(IndexWear, DeletedRecordsWearToo) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  must(writer->publish(heavy_records(0)));
  must(writer->fold());
  Batch gone = heavy_records(0);
  for (auto& [key, record] : gone.records) record.reset();
  must(writer->publish(std::move(gone)));
  must(writer->fold());
  EXPECT_TRUE(writer->worn());
  writer.reset();
  writer = open_writer(folder / "index");
  EXPECT_TRUE(writer->worn()) << "it is seen from what is there";
}

// How much longer data.mdb is after the second of two folds that write the same pages anew.
std::uint64_t longer_by_the_second(IndexWriter& writer, bool merging) {
  Batch batch;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    batch.files[{"main", "a/path/that/takes/some/room/" + std::to_string(i)}] = file_row_of(i);
  }
  must(writer.publish(std::move(batch)));
  std::uint64_t before = 0;
  for (std::uint64_t fold = 0; fold < 3; ++fold) {
    before = writer.index_bytes();
    must(writer.fold());
    while (merging && must(writer.merge())) {
    }
    Batch some;
    for (std::uint64_t i = 0; i < 20'000; i += 15) {
      some.files[{"main", "a/path/that/takes/some/room/" + std::to_string(i)}] =
          file_row_of(i + 1 + fold);
    }
    must(writer.publish(std::move(some)));
  }
  return writer.index_bytes() - before;
}

TEST(IndexWear, AFoldUsesThePagesThatTheOneBeforeHasFreed) {
  TemporaryFolder folder, other;
  const auto with = open_writer(folder / "index"), without = open_writer(other / "index");
  const std::uint64_t grown = longer_by_the_second(*without, false);
  EXPECT_GT(grown, 500'000U) << "many pages are written anew";
  EXPECT_LT(longer_by_the_second(*with, true), grown / 4);
}

TEST(IndexWear, AFewMegabytesAreNobodysWorry) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  for (int version = 0; version < 200; ++version) {
    must(writer->publish(one("a", "{\"n\":" + std::to_string(version) + "}")));
    must(writer->fold());
  }
  EXPECT_FALSE(writer->worn());
}

}  // namespace
}  // namespace jcn
