#include <fcntl.h>

#include <fstream>

#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteExport : public RoutesFixture {
 protected:
  void SetUp() override {
    RoutesFixture::SetUp();
    const std::string path = (folder_ / "snapshot").string();
    std::ofstream(path, std::ios::binary) << content_;
    service_->on_snapshot_file = [path, this]() -> Result<SnapshotFile> {
      SnapshotFile file;
      file.file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      file.size = content_.size();
      file.modified_ns = second;
      file.tag = "\"one\"";
      return file;
    };
  }
  static std::string streamed(const Response& response) {
    std::string body;
    EXPECT_TRUE(response.stream([&](std::string_view piece) {
      body += piece;
      return true;
    }));
    EXPECT_EQ(response.stream_length, body.size());
    return body;
  }

  std::string content_ = std::string(200'000, 'a') + "end";
};

TEST_F(RouteExport, TheFileIsSentWithItsLength) {
  const Response response = get("/v1/export.sqlite");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("ETag"), "\"one\"");
  EXPECT_EQ(response.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(streamed(response), content_);
  EXPECT_NE(response_head(response, false).find("Content-Length: 200003\r\n"), std::string::npos);
}

TEST_F(RouteExport, ARangeIsSentAlone) {
  const Response response = get("/v1/export.sqlite", {{"Range", "bytes=-4"}});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.header("Content-Range"), "bytes 199999-200002/200003");
  EXPECT_EQ(streamed(response), "aend");
  EXPECT_EQ(get("/v1/export.sqlite", {{"Range", "bytes=-4"}, {"If-Range", "\"two\""}}).status, 200);
  EXPECT_EQ(get("/v1/export.sqlite", {{"Range", "bytes=200003-"}}).status, 416);
}

TEST_F(RouteExport, AFileThatIsKnownIsNotSent) {
  const Response response = get("/v1/export.sqlite", {{"If-None-Match", "\"one\""}});
  EXPECT_EQ(response.status, 304);
  EXPECT_FALSE(response.stream);
}

// A file that is shorter than it was: the client must not take what came for the whole.
TEST_F(RouteExport, ACutFileIsNotTakenForWhole) {
  const Response response = get("/v1/export.sqlite");
  std::ofstream((folder_ / "snapshot").string(), std::ios::trunc) << "short";
  EXPECT_FALSE(response.stream([](std::string_view) { return true; }));
}

TEST_F(RouteExport, TheFirstIsWaitedFor) {
  service_->on_snapshot_file = nullptr;
  const Response response = get("/v1/export.sqlite");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("Retry-After"), "1");
  EXPECT_EQ(code(response), "not_ready");
}

}  // namespace
}  // namespace jcn
