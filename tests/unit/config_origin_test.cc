// config_origin: what --print-config says, and that it is a configuration itself.
#include "config_origin.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config_fixture.h"
#include "config_table.h"

namespace jcn {
namespace {

// Each section and type; lists from the file and the command line.
constexpr const char* every_kind_of_value = R"(listen = "127.0.0.1:9000"
token_file = "token"
ignore = ["*.bak.json", "a\"\\\u0007b"]
[limits]
max_bytes = 2000
[poll]
interval_ms = 500
[http]
host_names = ["media.example"]
[[root]]
path = "away"
poll = true
[[root]]
name = "movies"
path = "films"
[[token]]
file = "reader"
roots = ["movies"]
[[webhook]]
name = "site"
url = "https://hooks.example/jcn"
secret_file = "key"
kind = "videos"
filter = "duration__gte=600"
batch = 7
[[kind]]
name = "videos"
schema = "video.schema.json"
search_weights = { title = 3, "a.b" = 0.1 }
search_exclude = ["/thumbnail"]
track = "/state"
[[kind]]
name = "stats"
[[rule]]
kind = "stats"
root = "movies"
match = "stats/**"
id = ["/video/id", "stem"]
rank = -3
anchor = true
null = "ignore"
union = ["/tags"]
[[rule]]
kind = "videos"
)";

class PrintConfig : public ConfigFixture {
 protected:
  // jcn.conf, and the files that it names.
  void write_every_kind_of_value() const {
    write("token", "sixteen-and-more-characters");
    write("reader", "another-sixteen-and-more");
    write("key", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    std::ofstream(path("video.schema.json")) << "{}";
    std::ofstream(path("jcn.conf")) << every_kind_of_value;
  }
  std::string printed(std::vector<std::string> words) const {
    words.emplace_back("--print-config");
    auto loaded = load(words);
    if (!loaded.ok() || !std::holds_alternative<PrintAndExit>(*loaded)) {
      ADD_FAILURE() << (loaded.ok() ? "no text" : loaded.error().message);
      return {};
    }
    return std::get<PrintAndExit>(*loaded).text;
  }
  // What is printed, as the file of another start.
  DaemonConfig read_again(const std::string& text) const {
    std::ofstream(path("printed.conf")) << text;
    return good({"--config", path("printed.conf")});
  }
  static testing::AssertionResult has_line(const std::string& text, const std::string& line) {
    std::istringstream lines(text);
    for (std::string each; std::getline(lines, each);) {
      if (each == line) return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "no line " << line << " in\n" << text;
  }
  std::string conf(int line) const {
    return "  # " + path("jcn.conf") + ":" + std::to_string(line);
  }
};

TEST_F(PrintConfig, IsItselfTheConfigurationThatItPrints) {
  write_every_kind_of_value();
  const std::vector<std::vector<std::string>> starts = {
      {path("talks")},
      {"shows=" + path("talks"), "--no-ignore-defaults", "--writable"},
      {"--config", path("jcn.conf")},
      {"--config", path("jcn.conf"), "--ignore", "x,y", "--index", path("i"),
       "--limits-max-depth=9"},
  };
  for (const auto& words : starts) {
    const DaemonConfig config = good(words);
    const std::string text = printed(words);
    EXPECT_EQ(read_again(text), config) << text;
    EXPECT_EQ(text.find("and-more"), std::string::npos) << "tokens are nobody's to see";
    EXPECT_EQ(text.find("AAAA"), std::string::npos) << "nor are keys";
  }
}

TEST_F(PrintConfig, SaysWhereEachValueCameFrom) {
  write_every_kind_of_value();
  const std::string text = printed({"--config", path("jcn.conf"), "--ignore", "x", "--ignore", "y",
                                    "--limits-max-bytes=3000", "--log-level", "debug"});
  EXPECT_TRUE(has_line(text, "listen = \"127.0.0.1:9000\"" + conf(1)));
  EXPECT_TRUE(has_line(text, "log_level = \"debug\"  # --log-level"));
  EXPECT_TRUE(has_line(text, "max_bytes = 3000  # --limits-max-bytes"));
  EXPECT_TRUE(has_line(text, "max_depth = 64  # default"));
  EXPECT_TRUE(has_line(text, "interval_ms = 500" + conf(7)));
  EXPECT_TRUE(has_line(text, "ignore = [\"*.bak.json\", \"a\\\"\\\\\\u0007b\", \"x\", \"y\"]" +
                                 conf(3) + ", --ignore"));
  EXPECT_TRUE(has_line(text, "#program = \"\"  # default"));
  EXPECT_TRUE(has_line(text, "[[root]]" + conf(10)));
  EXPECT_TRUE(has_line(text, "#name = \"away\"  # the folder's"));
  EXPECT_TRUE(has_line(text, "name = \"movies\""));
  EXPECT_TRUE(has_line(text, "[[rule]]" + conf(34)));
  EXPECT_TRUE(has_line(text, "rank = -3" + conf(39)));
  EXPECT_TRUE(has_line(text, "search_weights = { \"a.b\" = 0.1, \"title\" = 3 }" + conf(29)));
  EXPECT_NE(text.find("  # default, by XDG_STATE_HOME\n"), std::string::npos);
  const std::string replaced = printed({"--config", path("jcn.conf"), "movies=" + path("talks")});
  EXPECT_TRUE(has_line(replaced, "[[root]]  # command line"));
  EXPECT_EQ(replaced.find(path("away")), std::string::npos);
}

TEST_F(PrintConfig, ShowsEveryOption) {
  const std::string text = printed({path("talks")});
  for (const OptionRow& row : option_table()) {
    EXPECT_EQ(row.get == nullptr, row.set == nullptr) << row.key;
    if (row.get == nullptr) continue;
    const std::string line = "\n" + std::string(row.key) + " = ";
    const std::string unset = "\n#" + std::string(row.key) + " = ";
    EXPECT_TRUE(("\n" + text).find(line) != std::string::npos ||
                ("\n" + text).find(unset) != std::string::npos)
        << row.key;
  }
}

TEST_F(PrintConfig, WhatIsWrongIsSaidInstead) {
  auto loaded = load({"--print-config", path("none")});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Code::root_unavailable);
}

}  // namespace
}  // namespace jcn
