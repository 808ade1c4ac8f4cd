// Lives and ends of an index in a temporary folder, for the tests of the writer and its history.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "generation.h"
#include "history.h"
#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {

inline Batch one(const std::string& id, const std::string& document) {
  Batch batch;
  batch.records[{"videos", id}] = record_of("videos", id, document);
  return batch;
}

// Runs `work` in a process of its own that ends without any destructor, as kill -9 would end it.
template <class Work>
void in_killed_process(Work work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

inline std::string data_file(const TemporaryFolder& folder) {
  const auto current = read_current(folder / "index");
  EXPECT_TRUE(current.ok() && current->has_value());
  return (folder / "index" / **current / "data.mdb").string();
}

inline std::int64_t ctime_of(const std::string& path) {
  return must(data_facts(path)).ctime_ns;
}

// Does `work` until the file's ctime has moved on: the kernel's clock for it ticks every few
// milliseconds, which no change made by hand would hit.
template <class Work>
void at_another_time(const std::string& path, Work work) {
  const std::int64_t before = ctime_of(path);
  do {
    work();
  } while (ctime_of(path) == before);
}

// One orderly life that publishes one record; the uuid it showed.
inline std::string live_once(const TemporaryFolder& folder, const std::string& id) {
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  must(writer->publish(one(id, "{}")));
  must(writer->fold());
  return must(writer->snapshot()).uuid();
}

inline std::string uuid_now(const TemporaryFolder& folder) {
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  return must(writer->snapshot()).uuid();
}

inline void overwrite(const std::string& from, const std::string& to) {
  std::ifstream in(from, std::ios::binary);
  std::ofstream(to, std::ios::binary | std::ios::trunc) << in.rdbuf();  // keeps the inode
}

// Folds rows of "some file 0" to "some file 19": rows that have no checksum of their own.
inline void fold_twenty_files(const TemporaryFolder& folder) {
  auto writer = open_writer(folder / "index");
  Batch batch;
  for (int i = 0; i < 20; ++i) {
    batch.files[{"r", "some file " + std::to_string(i)}] = file_row_of(1);
  }
  must(writer->publish(batch));
  must(writer->fold());
}

// One version of records that take megabytes, compressed.
inline Batch heavy_records(int version) {
  Batch batch;
  for (int i = 0; i < 1500; ++i) {
    const std::string id = std::to_string(i);
    std::string text;
    for (int n = 0; n < 150; ++n)
      text += hash128(id + "/" + std::to_string(n * 1000 + version)).hex();
    batch.records[{"videos", id}] = record_of("videos", id, "{\"text\":\"" + text + "\"}");
  }
  return batch;
}

// Replaces them until what was replaced weighs too much. The last version.
inline int wear_out(IndexWriter& writer) {
  int version = 0;
  do {
    must(writer.publish(heavy_records(++version)));
    must(writer.fold());
  } while (!writer.worn() && version < 10);
  EXPECT_TRUE(writer.worn());
  return version;
}

// The data file's bytes, with "some file 7" by another name: only a walk of its table finds that.
inline std::string with_another_file_name(const std::string& data) {
  std::ifstream in(data, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  for (std::size_t at = 0; (at = bytes.find("some file 7", at)) != std::string::npos; ++at) {
    bytes[at + 10] = 'x';
  }
  return bytes;
}

}  // namespace jcn
