#include "webhook_state.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

constexpr const char* uuid = "01234567-89ab-cdef-0123-456789abcdef";

WebhookState some_state() {
  WebhookState state;
  state.place = FeedSeq{uuid, {42, 7}};
  state.place->place.until = 50;
  state.gone = true;
  state.gone_at = webhook_address("https://hooks.example/?key=1");
  state.parked[17] = {
      {"videos", "a/\"b\"\n"}, 3, -5, 1'700'000'000'000'000'000, 500, "it's \\ so", false};
  state.parked[18] = {{"people", "ü"}, 1, 1, 2, 0, "", true};
  return state;
}

TEST(WebhookStateTest, IsReadAsItWasWritten) {
  for (const WebhookState& state : {WebhookState{}, some_state()}) {
    const auto again = decode_webhook_state(encode_webhook_state(state));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, state);
  }
}

// Every cut and every flipped bit is told; nothing else is taken for a state.
TEST(WebhookStateTest, DamageIsTold) {
  const std::string whole = encode_webhook_state(some_state());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_webhook_state(std::string_view(whole).substr(0, size))) << size;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string other = whole;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_webhook_state(other)) << bit;
  }
  EXPECT_FALSE(decode_webhook_state(whole + whole));
  // The right checksum of the wrong thing.
  for (const char* text : {"", "[]", "{}", "null", R"({"place":5,"fresh":true,"gone":false})",
                           R"({"place":"x-1","fresh":true,"gone":false,"parked":[]})",
                           R"({"place":null,"fresh":true,"gone":false,"parked":[{"seq":1}]})",
                           R"({"place":null,"fresh":1,"gone":false,"parked":[]})"}) {
    EXPECT_FALSE(decode_webhook_state(text + ('\n' + hash128(text).hex()) + '\n')) << text;
  }
}

TEST(WebhookStateTest, LiesInAFileOfItsOwn) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, WebhookState{});
  EXPECT_EQ(must(load_webhook_state(place, "site")).damaged, "");
  must(save_webhook_state(place, "site", some_state()));
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, some_state());
  EXPECT_EQ(must(load_webhook_state(place, "other")).state, WebhookState{});
  must(save_webhook_state(place, "site", {}));
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, WebhookState{});
  // What a process left that was killed while it wrote is in nobody's way.
  folder.write("webhooks/site.state.new", "half");
  must(save_webhook_state(place, "site", some_state()));
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, some_state());
  const auto entries = std::filesystem::directory_iterator(place);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

// What earlier versions wrote has no gone_at and no told.
TEST(WebhookStateTest, FilesOfEarlierVersionsAreRead) {
  const std::string text = R"({"place":null,"fresh":true,"gone":true,"parked":[]})";
  const auto state = decode_webhook_state(text + '\n' + hash128(text).hex() + '\n');
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->gone);
  EXPECT_EQ(state->gone_at, "");
  EXPECT_EQ(state->told, 0U);
}

TEST(WebhookStateTest, DamagedFileIsSetAsideAndTheStateANewOne) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  for (int times = 0; times < 2; ++times) {  // the second takes the first one's name
    must(save_webhook_state(place, "site", some_state()));
    std::filesystem::resize_file(folder / "webhooks/site.state", 20);
    const LoadedWebhookState loaded = must(load_webhook_state(place, "site"));
    EXPECT_EQ(loaded.damaged, place + "/site.state.damaged");
    EXPECT_EQ(std::filesystem::file_size(loaded.damaged), 20U);
    EXPECT_EQ(loaded.state, WebhookState{});
    EXPECT_EQ(must(load_webhook_state(place, "site")).damaged, "") << "it is said once";
  }
}

TEST(WebhookStateTest, DamagedFileThatCannotBeSetAsideIsAnError) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  folder.write("webhooks/site.state", "damaged");
  folder.write("webhooks/site.state.damaged/in/the/way", "");
  EXPECT_FALSE(load_webhook_state(place, "site"));
  EXPECT_TRUE(std::filesystem::exists(place + "/site.state"));
}

// An error is no damage: what the file says may be had later.
TEST(WebhookStateTest, WhatCannotBeReadIsAnErrorAndStaysAsItIs) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  std::filesystem::create_directories(place + "/site.state");  // read(2): EISDIR
  const auto loaded = load_webhook_state(place, "site");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::system);
  EXPECT_NE(loaded.error().message.find("read " + place + "/site.state"), std::string::npos)
      << loaded.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(place + "/site.state"));
  std::filesystem::create_symlink("site.state", place + "/other.state");
  EXPECT_FALSE(load_webhook_state(place, "other"));
}

// A file system that takes some of it and no more: as one that is full.
TEST(WebhookStateTest, SavingThatBreaksOffInTheMiddleLeavesTheFileAsItWas) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  must(save_webhook_state(place, "site", some_state()));
  WebhookState larger = some_state();
  for (std::uint64_t seq = 100; seq < 200; ++seq) larger.parked[seq] = larger.parked[17];
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto saved = save_webhook_state(place, "site", larger);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, Code::write_error);
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, some_state());
  const auto entries = std::filesystem::directory_iterator(place);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "nothing is left behind";
  must(save_webhook_state(place, "site", larger));
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, larger);
}

TEST(WebhookStateTest, SavingThatFailsLeavesTheFileAsItWas) {
  const TemporaryFolder folder;
  const std::string place = (folder / "webhooks").string();
  must(save_webhook_state(place, "site", some_state()));
  // The temporary name cannot be had.
  std::filesystem::create_directories(folder / "webhooks/site.state.new/x");
  EXPECT_FALSE(save_webhook_state(place, "site", {}));
  EXPECT_EQ(must(load_webhook_state(place, "site")).state, some_state());
  folder.write("file", "");
  EXPECT_FALSE(save_webhook_state((folder / "file/webhooks").string(), "site", {}));
}

}  // namespace
}  // namespace jcn
