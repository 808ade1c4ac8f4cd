#include "rewrite.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "encoding.h"
#include "generation.h"
#include "index_lives.h"
#include "index_model.h"
#include "jcn/changes.h"
#include "jcn/rules.h"
#include "jcn/verify.h"
#include "keys.h"
#include "lmdb_env.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;
using State = IndexHealth::State;

// One record a file, whose canonical text is its document; and records of two files, whose contents
// are kept apart. What RandomBatches makes does not hang together as files do.
Batch files_and_records(int first, int end, int version) {
  Batch batch;
  for (int i = first; i < end; ++i) {
    const std::string id = "id" + std::to_string(i);
    std::string filler;  // no two alike, and enough for a dictionary
    for (int n = 0; n < 5; ++n) filler += "with words of " + hash128(id + std::to_string(n)).hex();
    const std::string text = "{\"id\":\"" + id + "\",\"n\":" + std::to_string(i + version) +
                             ",\"words\":\"some words " + filler + "\"}";
    std::vector<std::pair<FragmentName, std::string>> parts{{{"main", id + ".json"}, text}};
    std::string document = text;
    if (i % 5 == 0) {
      const std::string patch = "{\"views\":" + std::to_string(i) + "}";
      parts.push_back({{"main", id + ".views.json"}, patch});
      document.insert(document.size() - 1, ",\"views\":" + std::to_string(i));
    }
    std::vector<FragmentInfo> infos;
    for (const auto& [name, body] : parts) {
      FileRow row;
      row.facts = {body.size(), i * 1000 + 1, i * 1000 + 2, static_cast<std::uint64_t>(i) + 9};
      row.read_ns = 1'700'000'000'000'000'000;
      row.content = hash128(body);
      row.contributes = RecordKey{"videos", id};
      infos.push_back({name, row.facts.size, row.facts.mtime_ns, false});
      if (parts.size() > 1) batch.bodies[name] = body;
      batch.files[name] = std::move(row);
    }
    batch.records[{"videos", id}] = record_of("videos", id, document, infos);
  }
  return batch;
}

Batch without(int first, int end) {
  Batch batch = files_and_records(first, end, 0);
  for (auto& [key, record] : batch.records) record.reset();
  for (auto& [name, row] : batch.files) row.reset();
  for (auto& [name, body] : batch.bodies) body.reset();
  return batch;
}

Batch reject(const std::string& path) {
  Batch batch;
  FileRow row = file_row_of(3);
  row.reject = Reject{Code::syntax_error, 1, 2, std::nullopt, std::nullopt, "odd"};
  batch.files[{"main", path}] = row;
  return batch;
}

class Rewriting : public ::testing::Test {
 protected:
  // Several segments, dead records, tombstones, rejects, contents apart, a dictionary, notes.
  void fill() {
    writer_ = open_writer(index_);
    publish(files_and_records(0, 1200, 0));
    publish(files_and_records(100, 200, 7));
    publish(without(300, 340));
    publish(reject("bad.json"));
    publish(files_and_records(1200, 1300, 0));
    Batch batch;
    batch.notes["root:main"] = "1:2";
    batch.notes["rules"] = Rules{}.to_json();
    publish(batch);
    uuid_ = must(writer_->snapshot()).uuid();
  }

  void publish(const Batch& batch, bool fold = true) {
    model_.apply(batch);
    must(writer_->publish(batch));
    if (fold) must(writer_->fold());
  }

  void close() { writer_.reset(); }

  // The files are as they were when they were read.
  std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> files() {
    return [this](const FragmentName& name, const FileRow& row) -> std::optional<std::string> {
      ++read_;
      if (const auto body = model_.bodies.find(name); body != model_.bodies.end()) {
        return hash128(body->second) == row.content ? std::optional(body->second) : std::nullopt;
      }
      const auto record = model_.records.find(*row.contributes);
      if (record == model_.records.end()) return std::nullopt;
      return record->second.document;
    };
  }

  WriterOptions with_files() {
    WriterOptions options = small_index();
    options.read_again = files();
    return options;
  }

  // The table's row, where LMDB holds it, with one bit of its value changed: in all copies that are
  // in the file, so that the one in use is among them.
  void flip(Table table, std::string_view wanted) {
    std::string key, value;
    {
      const auto env = must(LmdbEnv::open(fs::path(data_file(folder_)).parent_path(), {}));
      const ReadTxn txn = must(env->begin_read());
      Cursor cursor = must(txn.cursor(table));
      ASSERT_TRUE(must(cursor.seek(wanted))) << table_name(table);
      key = cursor.key();
      value = cursor.value();
    }
    const std::string data = data_file(folder_);
    std::string bytes;
    {
      std::ifstream in(data, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    // Behind its key, or in pages of its own.
    const bool large = value.size() > 1000;
    const std::string pattern = large ? value : key + value;
    int found = 0;
    for (std::size_t at = 0; (at = bytes.find(pattern, at)) != std::string::npos; ++at) {
      const std::size_t byte = large ? at + value.size() / 2 : at + pattern.size() - 1;
      bytes[byte] = static_cast<char>(bytes[byte] ^ 4);
      ++found;
    }
    ASSERT_GT(found, 0) << table_name(table);
    at_another_time(data, [&] { std::ofstream(data, std::ios::binary) << bytes; });
  }

  IndexHealth examine() { return must(examine_index(index_)); }

  State state_of(Table table) { return examine().state[static_cast<std::size_t>(table)]; }

  void expect_whole() {
    model_.expect_equal(must(writer_->snapshot()));
    must(writer_->fold());
    const IndexHealth health = examine();
    EXPECT_TRUE(health.whole()) << (health.findings.empty() ? "" : health.findings[0]);
    EXPECT_EQ(must(writer_->snapshot()).uuid(), uuid_);
    // Every record's change, under its number.
    std::map<RecordKey, std::uint64_t> changes;
    must(for_each_change(must(writer_->snapshot()), 0, [&](const Change& change) {
      if (!change.deleted) changes[change.key] = change.seq;
      return true;
    }));
    EXPECT_EQ(changes.size(), model_.records.size());
    for (const auto& [key, record] : model_.records) EXPECT_EQ(changes[key], record.seq) << key.id;
  }

  std::uint64_t segments() {
    const auto env = must(LmdbEnv::open(fs::path(data_file(folder_)).parent_path(), {}));
    const ReadTxn txn = must(env->begin_read());
    SegmentCache cache(env);
    return must(cache.segments(txn))->size();
  }

  TemporaryFolder folder_;
  const std::string index_ = folder_ / "index";
  std::unique_ptr<IndexWriter> writer_;
  IndexModel model_;
  std::string uuid_;
  int read_ = 0;  // files read again
};

TEST_F(Rewriting, CompactKeepsEverythingInOneSegment) {
  fill();
  EXPECT_GT(segments(), 2U);
  RewriteWish wish;
  wish.merge = true;
  const RewriteReport report = must(writer_->rewrite(examine(), wish));
  EXPECT_EQ(report.records, model_.records.size());
  EXPECT_LT(report.bytes_after, report.bytes_before);
  EXPECT_EQ(segments(), 1U);
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000001"));
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000001.damaged"));
  expect_whole();
  publish(files_and_records(0, 10, 3));
  publish(without(10, 20), false);
  expect_whole();
  close();
  writer_ = open_writer(index_);
  EXPECT_EQ(writer_->rebuilt(), Rebuilt::no);
  expect_whole();
}

TEST_F(Rewriting, RemakeKeepsEverything) {
  fill();
  publish(files_and_records(1300, 1310, 0), false);
  must(writer_->rewrite(examine(), {}));
  expect_whole();
  close();
  writer_ = open_writer(index_);
  expect_whole();
  EXPECT_EQ(read_, 0);
}

TEST_F(Rewriting, EmptyIndexToo) {
  writer_ = open_writer(index_);
  uuid_ = must(writer_->snapshot()).uuid();
  for (const bool merge : {true, false}) {
    RewriteWish wish;
    wish.merge = merge;
    must(writer_->rewrite(examine(), wish));
    expect_whole();
  }
  publish(files_and_records(0, 3, 0));
  expect_whole();
}

// What is published and folded meanwhile is there afterwards, and readers are answered all along.
TEST_F(Rewriting, PublishingAndReadingGoOnMeanwhile) {
  fill();
  std::atomic<bool> over{false};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    while (!over) {
      const Snapshot snapshot = must(writer_->snapshot());
      EXPECT_TRUE(must(snapshot.record({"videos", "id1250"})));
      EXPECT_TRUE(must(snapshot.record({"videos", "id1250"}))->document.size() > 10);
      ++reads;
    }
  });
  int version = 20;
  for (const bool merge : {true, false, true, false}) {
    RewriteWish wish;
    wish.merge = merge;
    wish.go_on = [&](std::uint64_t done, std::uint64_t of) {
      EXPECT_LE(done, of);
      publish(files_and_records(0, 40, ++version));
      publish(without(400 + version, 401 + version));
      publish(files_and_records(2000 + version, 2001 + version, 0), version % 2 == 0);
      return true;
    };
    const int before = version;
    must(writer_->rewrite(examine(), wish));
    EXPECT_GT(version, before);
    expect_whole();
  }
  over = true;
  reader.join();
  EXPECT_GT(reads, 0);
  EXPECT_TRUE(must(writer_->merge()) || true);
  close();
  writer_ = open_writer(index_);
  EXPECT_EQ(writer_->rebuilt(), Rebuilt::no);
  expect_whole();
}

TEST_F(Rewriting, MoreChangesThanMayBeKeptEndIt) {
  fill();
  close();
  WriterOptions options = small_index();
  options.fresh_limit_bytes = 1 << 20;
  writer_ = must(IndexWriter::open(index_, options));
  RewriteWish wish;
  wish.go_on = [&](std::uint64_t, std::uint64_t) {
    publish(files_and_records(0, 1000, 5));
    publish(files_and_records(0, 1000, 6));
    return true;
  };
  const auto rewritten = writer_->rewrite(examine(), wish);
  ASSERT_FALSE(rewritten);
  EXPECT_EQ(rewritten.error().code, Code::overloaded);
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000002"));
  expect_whole();
}

TEST_F(Rewriting, StoppedLeavesEverythingAsItWas) {
  fill();
  RewriteWish wish;
  wish.go_on = [](std::uint64_t, std::uint64_t) { return false; };
  const auto rewritten = writer_->rewrite(examine(), wish);
  ASSERT_FALSE(rewritten);
  EXPECT_EQ(rewritten.error().code, Code::not_ready);
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000002"));
  expect_whole();
  must(writer_->rewrite(examine(), {}));
  expect_whole();
}

// FAULTS 6. Killed while it is being written: the old generation goes on.
TEST_F(Rewriting, KilledOnTheWayTheOldOneServes) {
  fill();
  close();
  in_killed_process([&] {
    auto writer = open_writer(index_);
    RewriteWish wish;
    int told = 0;
    wish.go_on = [&](std::uint64_t, std::uint64_t) {
      if (++told == 2) ::_exit(0);
      return true;
    };
    must(writer->rewrite(IndexHealth{}, wish));
    ADD_FAILURE() << "not killed";
  });
  EXPECT_TRUE(fs::exists(fs::path(index_) / "gen-000002"));
  writer_ = open_writer(index_);
  EXPECT_EQ(writer_->rebuilt(), Rebuilt::no);
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000002"));
  model_.seq = writer_->seq();
  EXPECT_EQ(must(writer_->snapshot()).uuid(), uuid_);
  model_.expect_equal(must(writer_->snapshot()));
}

// FAULTS 22. A damaged document is composed again from its files, under its old number.
TEST_F(Rewriting, DamagedDocumentsComeFromTheirFiles) {
  fill();
  publish(files_and_records(1300, 1301, 0), false);
  flip(Table::segments, segment_key(1, 2, 1));
  const IndexHealth health = examine();
  EXPECT_TRUE(health.only_blocks());
  RewriteWish wish;
  wish.read_again = files();
  const RewriteReport report = must(writer_->rewrite(health, wish));
  EXPECT_GT(report.healed, 0U);
  EXPECT_GT(read_, 0);
  EXPECT_TRUE(fs::exists(fs::path(index_) / "gen-000001.damaged"));
  expect_whole();
}

// Every section but the documents is made anew, with nothing read.
TEST_F(Rewriting, DamagedSectionsAreMadeAnew) {
  for (const int section : {3, 4, 5, 7}) {
    SCOPED_TRACE(section);
    TemporaryFolder folder;
    model_ = {};
    fill();
    flip(Table::segments, segment_key(1, static_cast<std::uint8_t>(section), 0));
    const IndexHealth health = examine();
    EXPECT_TRUE(health.only_blocks());
    must(writer_->rewrite(health, {}));
    expect_whole();
    close();
    fs::remove_all(index_);
  }
}

TEST_F(Rewriting, DamagedHeadAndContentsComeFromTheirFiles) {
  for (const bool head : {true, false}) {
    SCOPED_TRACE(head);
    model_ = {};
    read_ = 0;
    fill();
    if (head) {
      flip(Table::segments, segment_key(1, 1, 0));
    } else {
      flip(Table::bodies, file_key_bytes("main", "id5.json"));
    }
    const IndexHealth health = examine();
    EXPECT_TRUE(health.only_blocks());
    // As who has not read the head yet.
    close();
    writer_ = must(IndexWriter::open(index_, with_files()));
    EXPECT_EQ(writer_->rebuilt(), Rebuilt::repaired);
    EXPECT_GT(read_, 0);
    model_.seq = writer_->seq();
    expect_whole();
    close();
    fs::remove_all(index_);
  }
}

TEST_F(Rewriting, DamagedDictionaryIsTakenFromMemoryOrItsDocumentsFromFiles) {
  for (const bool in_memory : {true, false}) {
    SCOPED_TRACE(in_memory);
    model_ = {};
    read_ = 0;
    fill();
    flip(Table::dictionaries, {});
    EXPECT_TRUE(examine().only_blocks());
    if (in_memory) {
      must(writer_->rewrite(examine(), {}));
    } else {
      close();
      writer_ = must(IndexWriter::open(index_, with_files()));
      EXPECT_EQ(writer_->rebuilt(), Rebuilt::repaired);
      model_.seq = writer_->seq();
    }
    EXPECT_EQ(read_ > 0, !in_memory);
    expect_whole();
    publish(files_and_records(0, 1000, 9));
    expect_whole();
    close();
    fs::remove_all(index_);
  }
}

// What its files do not give any more is given up, and announced again.
TEST_F(Rewriting, WhatCannotBeHadIsGivenUpAndAnnounced) {
  fill();
  flip(Table::segments, segment_key(1, 2, 1));
  const IndexHealth health = examine();
  const auto rewritten = writer_->rewrite(health, {});
  ASSERT_FALSE(rewritten);
  EXPECT_EQ(rewritten.error().code, Code::index_damaged);
  const std::uint64_t head = writer_->seq();
  EXPECT_EQ(must(writer_->reopen(health)), Rebuilt::repaired);
  EXPECT_GT(writer_->seq(), head);
  const std::vector<RecordKey> lost = writer_->recovered();
  ASSERT_FALSE(lost.empty());
  EXPECT_LT(lost.size(), 100U);
  const Snapshot snapshot = must(writer_->snapshot());
  EXPECT_TRUE(snapshot.note(incomplete_note));
  EXPECT_EQ(snapshot.uuid(), uuid_);
  for (const RecordKey& key : lost) {
    EXPECT_FALSE(must(snapshot.record(key)));
    for (const FragmentInfo& fragment : model_.records.at(key).fragments) {
      EXPECT_FALSE(must(snapshot.file(fragment.name))) << "it would not be read again";
      model_.files.erase(fragment.name);
      model_.bodies.erase(fragment.name);
    }
    model_.records.erase(key);
  }
  model_.seq = writer_->seq();
  model_.expect_equal(snapshot);
  must(writer_->fold());
  EXPECT_TRUE(examine().whole());
}

// Each table in turn, at rest: the next opening repairs it.
TEST_F(Rewriting, DamagedTablesAreMadeAnewAtTheNextOpening) {
  const struct {
    Table table;
    std::string key;
  } rows[] = {
      {Table::ids, "videos"},        {Table::changes, change_key(50)},
      {Table::tombstones, "videos"}, {Table::files, "main"},
      {Table::living, {}},
  };
  for (const auto& [table, key] : rows) {
    SCOPED_TRACE(std::string(table_name(table)));
    model_ = {};
    fill();
    close();
    flip(table, key);
    EXPECT_EQ(state_of(table), State::differs);
    writer_ = must(IndexWriter::open(index_, with_files()));
    EXPECT_EQ(writer_->rebuilt(), Rebuilt::repaired);
    EXPECT_NE(writer_->rebuilt_because().find(table_name(table)), std::string::npos)
        << writer_->rebuilt_because();
    if (table == Table::files) {
      // Rows that lead to their records, and that no file is like: each is read again.
      const Snapshot snapshot = must(writer_->snapshot());
      for (auto& [name, row] : model_.files) {
        const auto found = must(snapshot.file(name));
        if (row.reject) {
          EXPECT_FALSE(found) << "it is found again with the next crawl";
          continue;
        }
        ASSERT_TRUE(found) << name.path;
        EXPECT_EQ(found->contributes, row.contributes);
        EXPECT_TRUE(racily_clean(*found));
        row = *found;
      }
      std::erase_if(model_.files, [](const auto& file) { return file.second.reject.has_value(); });
    }
    model_.seq = writer_->seq();
    expect_whole();
    close();
    fs::remove_all(index_);
  }
}

// Nothing names the records any more.
TEST_F(Rewriting, TooMuchDamageBeginsAnew) {
  fill();
  const std::uint64_t head = writer_->seq();
  IndexHealth health = examine();
  health.state[static_cast<std::size_t>(Table::ids)] = State::broken;
  health.state[static_cast<std::size_t>(Table::living)] = State::broken;
  EXPECT_FALSE(can_rewrite(health));
  EXPECT_EQ(must(writer_->reopen(health)), Rebuilt::anew);
  const Snapshot snapshot = must(writer_->snapshot());
  EXPECT_NE(snapshot.uuid(), uuid_);
  EXPECT_GE(snapshot.seq(), head) << "who waits for a number waits for a higher one";
  EXPECT_TRUE(snapshot.note(incomplete_note));
  EXPECT_EQ(snapshot.counts().fragments, 0U);
  must(writer_->publish(files_and_records(0, 5, 0)));
  must(writer_->fold());
  EXPECT_TRUE(examine().whole());
}

// FAULTS 25. The same rows, and documents from which the rest is made.
TEST_F(Rewriting, OlderFormatIsWrittenAnew) {
  fill();
  close();
  {
    EnvOptions options;
    options.read_only = false;
    const auto env = must(LmdbEnv::open(fs::path(data_file(folder_)).parent_path(), options));
    WriteTxn txn = must(env->begin_write());
    auto identity = *decode_identity(*must(txn.get(Table::meta, meta_identity)));
    identity.format = 1;
    must(txn.put(Table::meta, meta_identity, encode_identity(identity)));
    // It had no sections but the first three.
    for (std::uint32_t segment = 1; segment < 20; ++segment) {
      must(txn.erase_range(Table::segments, segment_key(segment, 4, 0),
                           segment_key(segment + 1, 0, 0)));
    }
    must(txn.commit());
  }
  EXPECT_EQ(IndexReader::open(index_).error().code, Code::index_format);
  writer_ = open_writer(index_);
  EXPECT_EQ(writer_->rebuilt(), Rebuilt::upgraded);
  EXPECT_NE(writer_->rebuilt_because().find("format 1"), std::string::npos);
  EXPECT_FALSE(fs::exists(fs::path(index_) / "gen-000001"));
  // The commit above is none of jcn's, and so it might be another history.
  uuid_ = must(writer_->snapshot()).uuid();
  expect_whole();
}

}  // namespace
}  // namespace jcn
