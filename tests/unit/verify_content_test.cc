#include "jcn/verify_content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "encoding.h"
#include "generation.h"
#include "index_lives.h"
#include "index_model.h"
#include "jcn/read.h"
#include "jcn/rules.h"
#include "jcn/verify.h"
#include "keys.h"
#include "lmdb_env.h"
#include "segment.h"
#include "segment_cache.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

class SectionsTest : public ::testing::Test {
 protected:
  // Several segments, merged ones among them, with dead records.
  void fill() {
    auto writer = open_writer(index_);
    RandomBatches random(3);
    for (int round = 0; round < 40; ++round) {
      must(writer->publish(random.next()));
      must(writer->fold());
      while (must(writer->merge())) {
      }
    }
  }

  std::vector<std::string> differences(std::size_t piece_bytes = 32 << 20) {
    const IndexReader reader = must(IndexReader::open(index_));
    std::vector<std::string> found;
    must(verify_sections(
        must(reader.snapshot()), [&](std::string what) { found.push_back(std::move(what)); },
        nullptr, piece_bytes));
    return found;
  }

  // Puts a block in the place of one, with a checksum that is right.
  template <class Change>
  void change_block(Section section, Change change) {
    EnvOptions options;
    options.read_only = false;
    const auto env = must(LmdbEnv::open(fs::path(data_file(folder_)).parent_path(), options));
    WriteTxn txn = must(env->begin_write());
    std::string key, payload;
    {
      SegmentCache cache(env);
      const std::uint32_t segment = must(cache.segments(txn))->front();
      key = segment_key(segment, static_cast<std::uint8_t>(section), 0);
      payload = *unseal(*must(txn.get(Table::segments, key)));
    }
    change(txn, key, payload);
    must(txn.commit());
  }

  TemporaryFolder folder_;
  const std::string index_ = folder_ / "index";
};

TEST_F(SectionsTest, AreWhatTheirDocumentsMake) {
  fill();
  EXPECT_EQ(differences(), std::vector<std::string>());
  // The same, made in pieces.
  EXPECT_EQ(differences(2000), std::vector<std::string>());
  EXPECT_EQ(differences(1), std::vector<std::string>());
}

TEST_F(SectionsTest, OthersAreNamed) {
  for (const Section section :
       {Section::outline, Section::values, Section::columns, Section::keys}) {
    SCOPED_TRACE(static_cast<int>(section));
    fill();
    change_block(section, [](WriteTxn& txn, const std::string& key, std::string payload) {
      // The last byte of a block is part of its last entry in each of them.
      payload.back() = static_cast<char>(payload.back() ^ 1);
      seal(payload);
      must(txn.put(Table::segments, key, payload));
    });
    must(verify_index(index_));  // which sees nothing in it
    const IndexReader reader = must(IndexReader::open(index_));
    std::vector<std::string> found;
    const auto verified = verify_sections(
        must(reader.snapshot()), [&](std::string what) { found.push_back(std::move(what)); });
    // A key that is another one leads to other documents, or to none.
    EXPECT_TRUE(!verified || !found.empty());
    if (section != Section::keys) {
      ASSERT_FALSE(found.empty());
      EXPECT_NE(found[0].find("section " + std::to_string(static_cast<int>(section))),
                std::string::npos)
          << found[0];
    }
    fs::remove_all(index_);
  }
}

TEST_F(SectionsTest, BlocksTooManyAreNamed) {
  fill();
  change_block(Section::columns, [](WriteTxn& txn, const std::string& key, std::string payload) {
    std::string more = key;
    more.back() = static_cast<char>(more.back() + 100);
    seal(payload);
    must(txn.put(Table::segments, more, payload));
  });
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("section 7"), std::string::npos) << found[0];
}

class FilesTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary | std::ios::trunc) << text;
  }

  // As jcn reads and indexes it.
  void index(const std::vector<std::string>& paths) {
    auto writer = open_writer(index_);
    Batch batch;
    for (const std::string& path : paths) {
      struct ::stat stat {};
      ASSERT_EQ(::lstat((root_ / path).c_str(), &stat), 0);
      FileRow row;
      const auto ns = [](const timespec& time) {
        return time.tv_sec * 1'000'000'000 + time.tv_nsec;
      };
      row.facts = {static_cast<std::uint64_t>(stat.st_size), ns(stat.st_mtim), ns(stat.st_ctim),
                   stat.st_ino};
      if (S_ISREG(stat.st_mode)) {
        std::ifstream in(root_ / path, std::ios::binary);
        row.content = hash128(std::string(std::istreambuf_iterator<char>(in), {}));
      } else {
        row.reject = Reject{Code::fifo, {}, {}, {}, {}, "a pipe"};
      }
      batch.files[{"notes", path}] = row;
    }
    batch.notes["rules"] = Rules{}.to_json();
    must(writer->publish(std::move(batch)));
    must(writer->fold());
  }

  std::set<std::string> differences() {
    const IndexReader reader = must(IndexReader::open(index_));
    std::set<std::string> found;
    offline_.clear();
    must(verify_files(
        must(reader.snapshot()), {{"notes", root_.string()}, {"other", "/nowhere"}},
        [&](const FileDifference& difference) {
          found.insert(std::string(difference_name(difference.kind)) + " " + difference.name.root +
                       ":" + difference.name.path);
          const auto there = must(stat_entry(AT_FDCWD, (root_ / difference.name.path).string()));
          EXPECT_EQ(difference.found, there.facts) << difference.name.path;
        },
        [&](const std::string& root) { offline_.insert(root); }, nullptr));
    return found;
  }

  TemporaryFolder folder_;
  const fs::path root_ = folder_ / "notes";
  const std::string index_ = folder_ / "index";
  std::set<std::string> offline_;
};

TEST_F(FilesTest, DifferencesAreNamedByWhatTheyAre) {
  for (const char* path :
       {"same.json", "a/bytes.json", "a/longer.json", "gone.json", "touched.json"}) {
    write(path, "{\"n\":1}");
  }
  ASSERT_EQ(::mkfifo((root_ / "pipe.json").c_str(), 0600), 0);
  index({"same.json", "a/bytes.json", "a/longer.json", "gone.json", "touched.json", "pipe.json"});
  EXPECT_EQ(differences(), std::set<std::string>());
  EXPECT_EQ(offline_, std::set<std::string>{"other"});

  const auto time = fs::last_write_time(root_ / "a/bytes.json");
  write("a/bytes.json", "{\"n\":2}");
  fs::last_write_time(root_ / "a/bytes.json", time);
  write("a/longer.json", "{\"n\":22}");
  fs::remove(root_ / "gone.json");
  fs::last_write_time(root_ / "touched.json", time + std::chrono::hours(1));
  write("new/deep/file.json", "{}");
  write("new/.hidden.json", "{}");
  write("new/other.txt", "{}");
  fs::create_symlink("same.json", root_ / "link.json");
  EXPECT_EQ(differences(),
            (std::set<std::string>{"content notes:a/bytes.json", "changed notes:a/longer.json",
                                   "missing notes:gone.json", "unknown notes:link.json",
                                   "unknown notes:new/deep/file.json"}));
}

TEST(RootsNote, KeepsAnyPath) {
  const std::map<std::string, std::string> roots{{"a", "/srv/a\n\xff"}, {"b c", ""}};
  EXPECT_EQ(decode_roots(encode_roots(roots)), roots);
  EXPECT_EQ(decode_roots("half"), (std::map<std::string, std::string>()));
}

}  // namespace
}  // namespace jcn
