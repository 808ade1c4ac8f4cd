// What a fold leaves in the tables: the rows behind the change feed, and the living.
#include "fold.h"

#include <gtest/gtest.h>

#include "generation.h"
#include "index_model.h"
#include "keys.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class FoldedTables : public ::testing::Test {
 protected:
  void publish(const std::string& id, std::optional<std::string> document) {
    Batch batch;
    auto& record = batch.records[{"videos", id}];
    if (document) record = record_of("videos", id, *document);
    must(writer_->publish(std::move(batch)));
  }

  // "seq id" of every row, deletions with a minus.
  std::vector<std::string> changes() {
    std::vector<std::string> rows;
    const ReadTxn txn = must(env()->begin_read());
    Cursor cursor = must(txn.cursor(Table::changes));
    for (bool more = must(cursor.seek({})); more; more = must(cursor.next())) {
      const auto row = decode_change_row(cursor.value());
      EXPECT_TRUE(row);
      if (!row) break;
      EXPECT_EQ(row->deleted, row->rev == Hash128{});
      rows.push_back(std::to_string(read_be64(cursor.key())) + (row->deleted ? " -" : " ") +
                     parse_record_key(row->key)->id);
    }
    return rows;
  }

  std::uint64_t entries(Table table) {
    const ReadTxn txn = must(env()->begin_read());
    Cursor cursor = must(txn.cursor(table));
    std::uint64_t count = 0;
    for (bool more = must(cursor.seek({})); more; more = must(cursor.next())) ++count;
    return count;
  }

  std::shared_ptr<LmdbEnv> env() {
    const std::string index = folder_ / "index";
    return must(LmdbEnv::open(index + "/" + *must(read_current(index)), EnvOptions{}));
  }

  using Rows = std::vector<std::string>;
  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_ = open_writer(folder_ / "index");
};

TEST_F(FoldedTables, EachRecordHasItsLatestChangeOnly) {
  publish("a", "{}");
  publish("b", "{}");
  publish("a", "{\"x\":1}");
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"2 b", "3 a"}));
  publish("b", "{\"y\":1}");
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"3 a", "4 b"}));
  publish("a", std::nullopt);
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"4 b", "5 -a"}));
  EXPECT_EQ(entries(Table::tombstones), 1U);
  publish("a", std::nullopt);  // announced again
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"4 b", "6 -a"}));
  publish("a", "{}");
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"4 b", "7 a"}));
  EXPECT_EQ(entries(Table::tombstones), 0U);
  EXPECT_EQ(entries(Table::ids), 2U);
}

TEST_F(FoldedTables, ComingAndGoingBetweenFoldsLeavesATombstone) {
  publish("a", "{}");
  publish("a", std::nullopt);
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"2 -a"}));
  EXPECT_EQ(entries(Table::segments), 0U);
}

TEST_F(FoldedTables, TheDeadAreTakenFromTheLiving) {
  for (int i = 0; i < 10; ++i) publish("id" + std::to_string(i), "{}");
  must(writer_->fold());
  for (int i : {0, 3, 9}) publish("id" + std::to_string(i), "{\"again\":1}");
  must(writer_->fold());
  const ReadTxn txn = must(env()->begin_read());
  const std::vector<bool> living = must(read_living(txn, 1, 10));
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(living[i], i != 0 && i != 3 && i != 9) << i;
}

TEST_F(FoldedTables, EmptyFoldWritesNothing) {
  publish("a", "{}");
  EXPECT_EQ(must(writer_->fold()).records, 1U);
  const std::uint64_t txn = must(env()->begin_read()).id();
  const FoldReport report = must(writer_->fold());
  EXPECT_EQ(report.records, 0U);
  EXPECT_EQ(report.seq, 1U);
  EXPECT_EQ(must(env()->begin_read()).id(), txn);
}

}  // namespace
}  // namespace jcn
