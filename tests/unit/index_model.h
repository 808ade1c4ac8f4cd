// What an index ought to hold, in std::map, beside the index itself.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "jcn/index_writer.h"
#include "jcn/snapshot.h"

namespace jcn {

inline WriterOptions small_index() {
  WriterOptions options;
  options.map_bytes = 1ULL << 30;
  options.max_readers = 64;
  return options;
}

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return std::move(result).value();
}
inline void must(Result<void> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
}

inline std::unique_ptr<IndexWriter> open_writer(const std::string& folder) {
  return must(IndexWriter::open(folder, small_index()));
}

inline Record record_of(const std::string& kind, const std::string& id, const std::string& document,
                        std::vector<FragmentInfo> fragments = {}) {
  Record record;
  record.key = {kind, id};
  record.document = document;
  if (fragments.empty())
    fragments.push_back({{"main", id + ".json"}, document.size(), 1'700'000'000, false});
  record.fragments = std::move(fragments);
  return record;
}

inline FileRow file_row_of(std::uint64_t number) {
  FileRow row;
  row.facts = {number, static_cast<std::int64_t>(number) * 1'000'003, -5, number + 7};
  row.read_ns = 1'700'000'000'000'000'000;
  row.content = hash128(std::to_string(number));
  return row;
}

struct IndexModel {
  std::map<RecordKey, Record> records;
  std::map<FragmentName, FileRow> files;
  std::map<FragmentName, std::string> bodies;
  std::map<std::string, std::string> notes;
  std::uint64_t seq = 0;

  // As IndexWriter::publish does.
  void apply(const Batch& batch) {
    for (const auto& [key, record] : batch.records) {
      ++seq;
      if (!record) {
        records.erase(key);
        continue;
      }
      Record& kept = records[key] = *record;
      kept.seq = seq;
      kept.rev = kept.exists ? hash128(kept.document) : Hash128{};
    }
    apply_rows(batch.files, files);
    apply_rows(batch.bodies, bodies);
    apply_rows(batch.notes, notes);
  }

  void expect_equal(const Snapshot& snapshot) const {
    EXPECT_EQ(snapshot.seq(), seq);
    expect_records(snapshot);
    expect_files(snapshot);
    IndexCounts counts;
    for (const auto& [key, record] : records) counts.records[key.kind] += record.exists ? 1 : 0;
    std::erase_if(counts.records, [](const auto& kind) { return kind.second == 0; });
    counts.fragments = files.size();
    for (const auto& [name, row] : files) counts.rejects += row.reject ? 1 : 0;
    const IndexCounts found = snapshot.counts();
    EXPECT_EQ(found.records, counts.records);
    EXPECT_EQ(found.fragments, counts.fragments);
    EXPECT_EQ(found.rejects, counts.rejects);
    for (const auto& [name, text] : notes) EXPECT_EQ(snapshot.note(name), text);
  }

 private:
  template <class Key, class Row>
  static void apply_rows(const std::map<Key, std::optional<Row>>& changes,
                         std::map<Key, Row>& rows) {
    for (const auto& [key, row] : changes) {
      if (row) {
        rows[key] = *row;
      } else {
        rows.erase(key);
      }
    }
  }

  static void expect_same(const Record& found, const Record& wanted) {
    EXPECT_EQ(found.key, wanted.key);
    EXPECT_EQ(found.seq, wanted.seq) << wanted.key.id;
    EXPECT_EQ(found.rev, wanted.rev);
    EXPECT_EQ(found.exists, wanted.exists);
    EXPECT_EQ(found.fragments, wanted.fragments);
    EXPECT_EQ(found.document, wanted.document);
    EXPECT_EQ(found.since_ns, wanted.since_ns);
  }

  void expect_records(const Snapshot& snapshot) const {
    auto wanted = records.begin();
    must(snapshot.for_each_record([&](const Record& found) {
      EXPECT_NE(wanted, records.end()) << found.key.id;
      if (wanted == records.end()) return false;
      expect_same(found, wanted->second);
      ++wanted;
      return true;
    }));
    EXPECT_EQ(wanted, records.end());
    for (const auto& [key, record] : records) {
      const auto found = must(snapshot.record(key));
      ASSERT_TRUE(found) << key.id;
      expect_same(*found, record);
      const auto head = must(snapshot.head(key));
      ASSERT_TRUE(head);
      EXPECT_EQ(head->seq, record.seq);
      EXPECT_EQ(head->rev, record.rev);
      EXPECT_EQ(head->created_ns, record.created_ns());
      EXPECT_EQ(head->updated_ns, record.updated_ns());
    }
    // From somewhere in the middle, within the kind.
    if (records.empty()) return;
    auto middle = std::next(records.begin(), static_cast<std::ptrdiff_t>(records.size() / 2));
    const RecordKey after = middle->first;
    must(snapshot.for_each_record(after, [&](const Record& found) {
      ++middle;
      EXPECT_TRUE(middle != records.end() && middle->first == found.key) << found.key.id;
      return middle != records.end();
    }));
    if (middle != records.end()) ++middle;
    EXPECT_TRUE(middle == records.end() || middle->first.kind != after.kind);
  }

  void expect_files(const Snapshot& snapshot) const {
    std::set<std::string> roots;
    std::map<FragmentName, FileRow> rejects;
    for (const auto& [name, row] : files) {
      roots.insert(name.root);
      if (row.reject) rejects[name] = row;
      const auto found = must(snapshot.file(name));
      ASSERT_TRUE(found) << name.path;
      EXPECT_EQ(*found, row) << name.path;
      const auto body = must(snapshot.body(name));
      const auto kept = bodies.find(name);
      EXPECT_EQ(body.has_value(), kept != bodies.end()) << name.path;
      if (body && kept != bodies.end()) {
        EXPECT_EQ(*body, kept->second);
      }
    }
    EXPECT_EQ(must(snapshot.roots()), std::vector<std::string>(roots.begin(), roots.end()));
    for (const std::string& root : roots) {
      for (const std::string prefix : {"", "a", "a/", "b/c"}) {
        expect_walk(snapshot, root, prefix, false);
        expect_walk(snapshot, root, prefix, true);
      }
    }
    std::map<FragmentName, FileRow> listed;
    must(snapshot.for_each_reject({}, [&](const FragmentName& name, const FileRow& row) {
      EXPECT_TRUE(listed.emplace(name, row).second);
      return true;
    }));
    EXPECT_EQ(listed, rejects);
  }

  void expect_walk(const Snapshot& snapshot, const std::string& root, const std::string& prefix,
                   bool flat) const {
    std::map<std::string, FileRow> wanted, found;
    const std::size_t folder = prefix.rfind('/') + 1;
    for (const auto& [name, row] : files) {
      const bool below = name.path.find('/', folder) != std::string::npos;
      if (name.root == root && name.path.starts_with(prefix) && !(flat && below)) {
        wanted[name.path] = row;
      }
    }
    must(snapshot.for_each_file(root, prefix, "", flat,
                                [&](const std::string& path, const FileRow& row) {
                                  EXPECT_TRUE(found.emplace(path, row).second) << path;
                                  return true;
                                }));
    EXPECT_EQ(found, wanted) << root << ' ' << prefix << ' ' << flat;
  }
};

// Batches that overlap, replace and remove, over few names.
class RandomBatches {
 public:
  explicit RandomBatches(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }

  Batch next() {
    Batch batch;
    for (std::size_t n = below(below(4) == 0 ? 60 : 6); n > 0; --n) {
      const RecordKey key{below(4) == 0 ? "people" : "videos", "id" + std::to_string(below(150))};
      batch.records[key] = below(4) == 0 ? std::nullopt : std::optional<Record>(record(key));
    }
    for (std::size_t n = below(8); n > 0; --n) {
      const FragmentName name = file();
      if (below(4) == 0) {
        batch.files[name] = std::nullopt;
        batch.bodies[name] = std::nullopt;
        continue;
      }
      FileRow row = file_row_of(below(1000));
      if (below(2) == 0) row.contributes = RecordKey{"videos", "id1"};
      if (below(3) == 0) {
        row.reject = Reject{Code::syntax_error, 1, 2, std::nullopt, std::nullopt, "odd"};
        row.since_ns = 5;
      }
      batch.files[name] = row;
      if (below(2) == 0) batch.bodies[name] = "{\"body\":" + std::to_string(below(1000)) + "}";
    }
    if (below(3) == 0) batch.notes["note" + std::to_string(below(3))] = std::to_string(below(100));
    return batch;
  }

 private:
  Record record(const RecordKey& key) {
    std::string document = "{\"title\":\"";
    for (std::size_t words = below(200); words > 0; --words) {
      document += "word" + std::to_string(below(50)) + ' ';
    }
    Record made = record_of(key.kind, key.id, document + "\"}");
    for (std::size_t n = below(3); n > 0; --n) {
      made.fragments.push_back({file(), below(9), static_cast<std::int64_t>(below(99)), n == 1});
    }
    if (made.document.size() % 3 == 0) made.since_ns = made.fragments.front().mtime_ns - 50;
    if (below(10) == 0) {
      made.since_ns.reset();
      made.exists = false;
      made.document.clear();
    }
    return made;
  }

  FragmentName file() {
    static const std::vector<std::string> folders = {"",     "a/",     "a/b/", "a-/",
                                                     "b/c/", "b/c/d/", "a0/"};
    std::string path = folders[below(folders.size())];
    if (below(5) == 0) path += std::string(250, 'l') + '/' + std::string(250, 'm') + '/';
    return {below(3) == 0 ? "other" : "main", path + std::to_string(below(12)) + ".json"};
  }

  std::mt19937 random_;
};

}  // namespace jcn
