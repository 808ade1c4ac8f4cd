#include "jcn/verify.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "encoding.h"
#include "generation.h"
#include "history.h"
#include "index_lives.h"
#include "index_model.h"
#include "index_opening.h"
#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "keys.h"
#include "lmdb_env.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

TEST(Verify, FlippedBitInADocumentIsDamageNotACrash) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    Batch batch;
    for (int i = 0; i < 200; ++i) {
      const std::string id = std::to_string(i);
      // Incompressible, so that the text stands in the file as it is.
      batch.records[{"videos", id}] = record_of("videos", id, hash128(id).hex());
    }
    must(writer->publish(batch));
    must(writer->fold());
  }
  must(verify_index(folder / "index"));
  const std::string data = data_file(folder);
  std::string bytes;
  {
    std::ifstream in(data, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::size_t at = bytes.find("77.json");
  ASSERT_NE(at, std::string::npos);
  {
    std::fstream out(data, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out.put('8');
  }
  const auto verified = verify_index(folder / "index");
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::index_damaged);
  WriterOptions options = small_index();
  options.verify_changed = false;
  auto writer = must(IndexWriter::open(folder / "index", options));
  const auto record = must(writer->snapshot()).record({"videos", "77"});
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Code::index_damaged);
}

TEST(Verify, VerifyFindsAnEntryThatChangedBehindItsBack) {
  TemporaryFolder folder;
  fold_twenty_files(folder);
  must(verify_index(folder / "index"));
  // File rows have no checksum of their own: only the table's sum can tell.
  const std::string data = data_file(folder);
  const std::string bytes = with_another_file_name(data);
  std::ofstream(data, std::ios::binary) << bytes;
  const auto verified = verify_index(folder / "index");
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::index_damaged);
}

}  // namespace
}  // namespace jcn
