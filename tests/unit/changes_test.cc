#include "jcn/changes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "index_lives.h"
#include "index_model.h"
#include "rows.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

std::vector<Change> changes_after(const Snapshot& snapshot, std::uint64_t after) {
  std::vector<Change> found;
  must(for_each_change(snapshot, after, [&](const Change& change) {
    found.push_back(change);
    return true;
  }));
  return found;
}

std::string shown(const Change& change) {
  return std::to_string(change.seq) + (change.deleted ? " -" : " ") + change.key.kind + '/' +
         change.key.id + ' ' + change.rev.hex();
}
std::vector<std::string> shown(const std::vector<Change>& changes) {
  std::vector<std::string> texts;
  for (const Change& change : changes) texts.push_back(shown(change));
  return texts;
}

bool continues(const Snapshot& snapshot, const FeedPlace& place) {
  return must(feed_horizon(snapshot, place)).continues;
}

Batch gone(const std::string& id) {
  Batch batch;
  batch.records[{"videos", id}] = std::nullopt;
  return batch;
}

// The latest change of each record, removed ones included.
class ChangesModel {
 public:
  void apply(const Batch& batch) {
    for (const auto& [key, record] : batch.records) {
      Change& change = latest_[key];
      change.key = key;
      change.seq = ++seq_;
      change.deleted = !record || !record->exists;
      change.rev = change.deleted ? Hash128{} : hash128(record->document);
    }
  }
  std::vector<Change> after(std::uint64_t seq) const {
    std::map<std::uint64_t, Change> sorted;
    for (const auto& [key, change] : latest_) {
      if (change.seq > seq) sorted[change.seq] = change;
    }
    std::vector<Change> found;
    for (const auto& [number, change] : sorted) found.push_back(change);
    return found;
  }
  std::map<RecordKey, Hash128> existing() const {
    std::map<RecordKey, Hash128> found;
    for (const auto& [key, change] : latest_) {
      if (!change.deleted) found[key] = change.rev;
    }
    return found;
  }
  std::uint64_t seq() const { return seq_; }

 private:
  std::map<RecordKey, Change> latest_;
  std::uint64_t seq_ = 0;
};

TEST(Changes, EachRecordsLatestByNumberWhateverIsFolded) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  RandomBatches batches(seed);
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  ChangesModel model;
  for (int round = 0; round < 300; ++round) {
    Batch batch = batches.next();
    model.apply(batch);
    must(writer->publish(std::move(batch)));
    if (random() % 7 == 0) must(writer->fold());
    if (random() % 20 == 0) must(writer->merge());
    const Snapshot snapshot = must(writer->snapshot());
    const std::uint64_t after = random() % (model.seq() + 2);
    ASSERT_EQ(shown(changes_after(snapshot, after)), shown(model.after(after))) << after;
    ASSERT_TRUE(continues(snapshot, {std::min(after, model.seq()), 0}));
  }
}

// What a consumer needs at all: read in pages of any size, over whatever happens meanwhile, it ends
// with what is there; with tombstones enough it never has to begin anew.
TEST(Changes, PagedConsumerEndsRightWithManyTombstonesAndWithFew) {
  for (const std::uint64_t kept : {1'000'000U, 20U, 1U, 0U}) {
    const std::uint32_t seed = std::random_device{}();
    SCOPED_TRACE(std::to_string(kept) + " kept, seed " + std::to_string(seed));
    std::mt19937 random(seed);
    RandomBatches batches(seed);
    TemporaryFolder folder;
    WriterOptions options = small_index();
    options.tombstones_kept = kept;
    auto writer = must(IndexWriter::open(folder / "index", options));
    ChangesModel model;
    std::map<RecordKey, Hash128> known;
    FeedPlace place;
    int anew = 0;
    const auto read_page = [&](std::size_t most) {
      const Snapshot snapshot = must(writer->snapshot());
      if (!continues(snapshot, place)) {
        ++anew;
        known.clear();
        place = {0, snapshot.seq()};
      }
      bool cut = false;
      must(for_each_change(snapshot, place.seq, [&](const Change& change) {
        if (most-- == 0) {
          cut = true;
          return false;
        }
        place.seq = change.seq;
        if (change.deleted) {
          known.erase(change.key);
        } else {
          known[change.key] = change.rev;
        }
        return true;
      }));
      if (!cut) place.seq = snapshot.seq();
      if (place.seq >= place.until) place.until = 0;
    };
    for (int round = 0; round < 400; ++round) {
      Batch batch = batches.next();
      model.apply(batch);
      must(writer->publish(std::move(batch)));
      if (random() % 5 == 0) must(writer->fold());
      if (random() % 2 == 0) read_page(random() % 40);
      if (random() % 50 == 0) read_page(10'000);
    }
    must(writer->fold());
    read_page(10'000);
    EXPECT_EQ(known, model.existing());
    EXPECT_EQ(anew > 0, kept <= 20) << anew;
  }
}

TEST(Changes, RecordsThatDoNotExistForReadersAreDeleted) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  Batch batch = one("a", "{}");
  batch.records[{"videos", "a"}]->exists = false;
  batch.records[{"videos", "a"}]->document.clear();
  must(writer->publish(std::move(batch)));
  for (int folded = 0; folded < 2; ++folded) {
    const auto found = changes_after(must(writer->snapshot()), 0);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].deleted);
    EXPECT_EQ(found[0].rev, Hash128{});
    must(writer->fold());
  }
}

TEST(Changes, VisitorsMayHaveEnough) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  must(writer->publish(one("a", "{}")));
  must(writer->publish(one("b", "{}")));
  must(writer->fold());
  must(writer->publish(one("c", "{}")));
  must(writer->publish(one("d", "{}")));
  const Snapshot snapshot = must(writer->snapshot());
  for (std::size_t wanted = 1; wanted <= 4; ++wanted) {
    std::size_t seen = 0;
    must(for_each_change(snapshot, 0, [&](const Change& change) {
      EXPECT_EQ(change.seq, seen + 1);
      return ++seen < wanted;
    }));
    EXPECT_EQ(seen, wanted);
  }
}

TEST(Changes, NumbersAboveTheHeadAreNoPlaceToGoOnFrom) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  must(writer->publish(one("a", "{}")));
  const Snapshot snapshot = must(writer->snapshot());
  EXPECT_TRUE(continues(snapshot, {0, 0}));
  EXPECT_TRUE(continues(snapshot, {1, 0}));
  EXPECT_FALSE(continues(snapshot, {2, 0}));
  EXPECT_FALSE(continues(snapshot, {0, 2}));
}

// --- After kill -9

// A life that publishes records of these ids, one by one, and is killed; the number of the last.
void live_and_be_killed(const TemporaryFolder& folder, const std::vector<std::string>& ids,
                        bool folded) {
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    writer->finish_recovery();
    for (const std::string& id : ids) must(writer->publish(one(id, "{}")));
    if (folded) must(writer->fold());
    writer.release();
  });
}

TEST(Changes, EveryNumberOfAKilledLifeCanBeContinuedFrom) {
  for (const bool folded : {false, true}) {
    SCOPED_TRACE(folded);
    TemporaryFolder folder;
    live_and_be_killed(folder, {"a", "b", "c"}, folded);
    auto writer = open_writer(folder / "index");
    const Snapshot snapshot = must(writer->snapshot());
    for (std::uint64_t seq = 0; seq <= 3; ++seq) EXPECT_TRUE(continues(snapshot, {seq, 0})) << seq;
    EXPECT_FALSE(continues(snapshot, {4, 0})) << "what has it seen?";
    EXPECT_TRUE(continues(snapshot, {snapshot.seq(), 0}));
    EXPECT_FALSE(continues(snapshot, {snapshot.seq() - 1, 0})) << "may have been given, and lost";
    EXPECT_EQ(writer->recovered().size(), folded ? 0U : 3U) << "announced again";
  }
}

// A head that was shown and never followed by a change is no lost number.
TEST(Changes, HeadsOfLivesWithoutAnyChangeCanBeContinuedFrom) {
  TemporaryFolder folder;
  live_and_be_killed(folder, {"a"}, true);
  std::vector<std::uint64_t> heads;
  for (int life = 0; life < 4; ++life) {
    {
      in_killed_process([&] { open_writer(folder / "index").release(); });
    }
    auto reader = must(IndexReader::open(folder / "index"));
    heads.push_back(must(reader.snapshot()).seq());
  }
  auto writer = open_writer(folder / "index");
  const Snapshot snapshot = must(writer->snapshot());
  for (const std::uint64_t head : heads) {
    EXPECT_TRUE(continues(snapshot, {head, 0})) << head;
    EXPECT_FALSE(continues(snapshot, {head - 1, 0})) << head;
    EXPECT_FALSE(continues(snapshot, {head + 1, 0})) << head;
  }
  EXPECT_TRUE(continues(snapshot, {1, 0}));
  EXPECT_EQ(changes_after(snapshot, 1).size(), 0U);
}

TEST(Changes, NumbersThatTheLogLacksCannotBeContinuedFrom) {
  TemporaryFolder folder;
  live_and_be_killed(folder, {"a", "b", "c", "d"}, false);
  const auto log = std::filesystem::path(data_file(folder)).parent_path() / "touched.log";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);  // as a power cut may
  {
    auto writer = open_writer(folder / "index");
    const Snapshot snapshot = must(writer->snapshot());
    EXPECT_TRUE(continues(snapshot, {2, 0}));
    EXPECT_FALSE(continues(snapshot, {3, 0}));
    EXPECT_FALSE(continues(snapshot, {4, 0}));
    writer->finish_recovery();
  }
  auto writer = open_writer(folder / "index");
  const Snapshot snapshot = must(writer->snapshot());
  EXPECT_TRUE(continues(snapshot, {2, 0}));
  EXPECT_FALSE(continues(snapshot, {3, 0})) << "for ever";
}

TEST(Changes, DeletedAndRevertedRecordsAreAnnouncedBehindTheLostNumbers) {
  TemporaryFolder folder;
  live_and_be_killed(folder, {"a"}, true);
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    must(writer->publish(gone("a")));
    must(writer->publish(one("b", "{}")));
    must(writer->publish(gone("b")));
    writer.release();
  });
  auto writer = open_writer(folder / "index");
  const std::uint64_t head = must(writer->snapshot()).seq();
  Batch again;
  for (const RecordKey& key : writer->recovered()) {
    again.records[key] = must(must(writer->snapshot()).record(key));
  }
  must(writer->publish(std::move(again)));
  writer->finish_recovery();
  const auto found = changes_after(must(writer->snapshot()), 1);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key.id, "a");
  EXPECT_FALSE(found[0].deleted) << "its deletion is taken back";
  EXPECT_EQ(found[1].key.id, "b");
  EXPECT_TRUE(found[1].deleted) << "in LMDB it never was";
  EXPECT_EQ(found[0].seq, head + 1);
}

}  // namespace
}  // namespace jcn
