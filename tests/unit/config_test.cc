// config: the command line of jcn(8) and the file of jcn.conf(5).
#include "config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config_fixture.h"
#include "config_table.h"
#include "jcn/schema.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

using ConfigTest = ConfigFixture;

TEST_F(ConfigTest, OneFolderTakesItsNameAndDefaults) {
  const DaemonConfig config = good({path("talks")});
  ASSERT_EQ(config.roots.size(), 1u);
  EXPECT_EQ(config.roots[0].name, "talks");
  EXPECT_EQ(config.roots[0].path, path("talks"));
  EXPECT_FALSE(config.roots[0].named);
  EXPECT_FALSE(config.rules.prefix_path_ids);
  EXPECT_EQ(config.listen_host, "127.0.0.1");
  EXPECT_EQ(config.listen_port, 8640);
  EXPECT_EQ(config.rules, Rules{});
  EXPECT_TRUE(config.index.starts_with(path("state/jcn/talks-"))) << config.index;
}

TEST_F(ConfigTest, FoldersMayBeNamedRelativeLinkedOrOdd) {
  fs::create_directory(folder_ / "a=b");
  fs::create_directory(folder_ / "[x,y]");
  fs::create_directory_symlink(folder_ / "talks", folder_ / "link");
  EXPECT_EQ(good({"shows=" + path("talks")}).roots[0].name, "shows");
  EXPECT_TRUE(good({"shows=" + path("talks")}).rules.prefix_path_ids);
  EXPECT_EQ(good({path("a=b")}).roots[0].name, "a=b");
  EXPECT_EQ(good({path("talks/../talks/.")}).roots[0].path, path("talks"));
  EXPECT_EQ(good({path("talks/")}).roots[0].name, "talks");
  const RootConfig linked = good({path("link")}).roots[0];
  EXPECT_EQ(linked.name, "link");
  EXPECT_EQ(linked.path, path("talks"));
  const auto before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_EQ(good({"[x,y]"}).roots[0].path, path("[x,y]"));
  EXPECT_EQ(good({"--", "talks"}).roots[0].path, path("talks"));
  fs::current_path(folder_ / "talks");
  EXPECT_EQ(good({"."}).roots[0].name, "talks");
  fs::current_path(before);
}

TEST_F(ConfigTest, SeveralRootsPrefixPathIdsAndShareAnIndexInAnyOrder) {
  fs::create_directory(folder_ / "films");
  const DaemonConfig a = good({path("talks"), path("films")});
  const DaemonConfig b = good({path("films"), path("talks")});
  EXPECT_TRUE(a.rules.prefix_path_ids);
  EXPECT_EQ(a.index, b.index);
  EXPECT_NE(a.index, good({path("talks")}).index);
}

TEST_F(ConfigTest, RefusesRootsThatCannotBe) {
  fs::create_directories(folder_ / "talks/inner");
  fs::create_directories(folder_ / "other/talks");
  std::ofstream(path("plain.json")) << "{}";
  EXPECT_EQ(bad({}).code, Code::bad_usage);
  EXPECT_EQ(bad({path("none")}).code, Code::root_unavailable);
  EXPECT_EQ(bad({path("plain.json")}).code, Code::root_unavailable);
  EXPECT_NE(bad({path("talks"), path("other/talks")}).message.find("two roots are named"),
            std::string::npos);
  EXPECT_NE(bad({path("talks"), path("talks/inner")}).message.find("nested roots"),
            std::string::npos);
  EXPECT_NE(bad({"a=" + path("talks"), "b=" + path("talks")}).message.find("nested roots"),
            std::string::npos);
  EXPECT_EQ(bad({"..=" + path("talks")}).code, Code::bad_usage);
  EXPECT_EQ(bad({std::string(65, 'x') + "=" + path("talks")}).code, Code::bad_usage);
  EXPECT_NE(bad({"/"}).message.find("can't be a root's name"), std::string::npos);
}

TEST_F(ConfigTest, TheIndexStandsApartFromRoots) {
  EXPECT_NE(bad({"--index", path("talks/index"), path("talks")}).message.find("inside the root"),
            std::string::npos);
  EXPECT_NE(bad({"--index", path("talks"), path("talks")}).message.find("inside"),
            std::string::npos);
  EXPECT_NE(bad({"--index", folder_.string(), path("talks")}).message.find("inside the index"),
            std::string::npos);
  EXPECT_EQ(good({"--index", path("talks-index"), path("talks")}).index, path("talks-index"));
  setenv("STATE_DIRECTORY", (path("var") + ":/elsewhere").c_str(), 1);
  EXPECT_EQ(good({path("talks")}).index, path("var/index"));
  unsetenv("STATE_DIRECTORY");
}

TEST_F(ConfigTest, OptionsOfTheCommandLine) {
  const DaemonConfig config =
      good({"--index", path("i"), "--listen", "127.0.0.1:0", "--log-level=debug", path("talks")});
  EXPECT_EQ(config.index, path("i"));
  EXPECT_EQ(config.listen_port, 0);
  EXPECT_EQ(config.log_level, "debug");
  for (const char* address : {"0.0.0:80", "media.example:80", "[::1]:80", ":80", "*:80"})
    EXPECT_EQ(bad({"--listen", address, path("talks")}).code, Code::bad_usage) << address;
  EXPECT_EQ(bad({"--listen", "127.0.0.1:65536", path("talks")}).code, Code::bad_usage);
  EXPECT_EQ(bad({"--listen", "127.0.0.1:", path("talks")}).code, Code::bad_usage);
  EXPECT_EQ(bad({"--log-level", "loud", path("talks")}).code, Code::bad_usage);
  EXPECT_EQ(bad({"--index"}).code, Code::bad_usage);
  const Error error = bad({"--indx", path("i"), path("talks")});
  EXPECT_EQ(error.code, Code::bad_usage);
  EXPECT_EQ(error.hint, "did you mean --index?");
}

TEST_F(ConfigTest, EveryScalarOptionHasAFlagThatBeatsTheFile) {
  for (const OptionRow& row : option_table())
    EXPECT_EQ(row.flag.empty(), is_table_array(row.section)) << row.key;
  std::vector<std::string> words =
      file("[limits]\nmax_bytes = 9\n[settle]\nfirst_ms = 9\n[http]\nthreads = 9\n");
  for (const char* word : {"--limits-max-bytes",
                           "2000",
                           "--limits-max-depth=5",
                           "--limits-max-members",
                           "70",
                           "--settle-first-ms",
                           "1",
                           "--settle-second-ms",
                           "2",
                           "--fold-quiet-ms",
                           "3",
                           "--fold-interval-ms",
                           "4",
                           "--fold-fresh-limit-bytes",
                           "1048576",
                           "--http-threads",
                           "16",
                           "--http-query-timeout-ms",
                           "750",
                           "--poll-interval-ms",
                           "500",
                           "--audit-interval-ms",
                           "0"})
    words.emplace_back(word);
  const DaemonConfig config = good(words);
  EXPECT_EQ(config.rules.limits, (Limits{2000, 5, 70}));
  EXPECT_EQ(config.settle_first, milliseconds(1));
  EXPECT_EQ(config.settle_second, milliseconds(2));
  EXPECT_EQ(config.fold_quiet, milliseconds(3));
  EXPECT_EQ(config.fold_interval, milliseconds(4));
  EXPECT_EQ(config.fresh_limit_bytes, 1048576u);
  EXPECT_EQ(config.http_threads, 16u);
  EXPECT_EQ(config.query_timeout, milliseconds(750));
  EXPECT_EQ(config.poll_interval, milliseconds(500));
  EXPECT_EQ(config.audit_interval, milliseconds(0));
  for (const char* wrong : {"7", "4097", "-1", "ten", "16x", "", "99999999999999999999"}) {
    const Error error = bad({std::string("--http-threads=") + wrong, path("talks")});
    EXPECT_EQ(error.code, Code::bad_usage) << wrong;
    EXPECT_NE(error.message.find("--http-threads"), std::string::npos) << error.message;
  }
  EXPECT_EQ(bad({"--limits-max-byte", "9", path("talks")}).hint,
            "did you mean --limits-max-bytes?");
}

TEST_F(ConfigTest, IgnoreOnTheCommandLineAdds) {
  auto expected = Rules::default_ignore();
  expected.insert(expected.end(), {"*.old", "[ab]", "x,y"});
  std::vector<std::string> words = {"--config", path("jcn.conf"), "--ignore",
                                    "[ab]",     path("talks"),    "--ignore=x,y"};
  std::ofstream(path("jcn.conf")) << "ignore = \"*.old\"";
  const DaemonConfig config = good(words);
  EXPECT_EQ(config.rules.ignore, expected);
  EXPECT_EQ(config.roots.size(), 1u);
  words.emplace_back("--no-ignore-defaults");
  const std::vector<std::string> given = {"*.old", "[ab]", "x,y"};
  EXPECT_EQ(good(words).rules.ignore, given);
  std::ofstream(path("jcn.conf")) << "ignore = \"*.old\"\nignore_defaults = false";
  EXPECT_EQ(good(words).rules.ignore, given) << "said twice";
  EXPECT_EQ(bad({"--ignore", "a/b", path("talks")}).code, Code::bad_usage);
  EXPECT_EQ(bad({path("talks"), "--ignore"}).code, Code::bad_usage);
}

TEST_F(ConfigTest, WritingIsSwitchedOn) {
  EXPECT_FALSE(good({path("talks")}).writable);
  EXPECT_TRUE(good({"--writable", path("talks")}).writable);
  EXPECT_TRUE(good(file("writable = true")).writable);
  EXPECT_FALSE(good(file("writable = false")).writable);
}

using TokensTest = ConfigFixture;

TEST_F(TokensTest, AreReadWithWhatTheyAllow) {
  write("site", "sixteen-and-more-characters");
  write("reader", "another-sixteen-and-more");
  const DaemonConfig config =
      good(file("[[token]]\nfile = \"site\"\nroots = [\"talks\"]\naccess = \"write\"\n"
                "[[token]]\nfile = \"reader\"\n"));
  ASSERT_EQ(config.tokens.size(), 2u);
  const std::vector<std::string> talks = {"talks"};
  EXPECT_EQ(config.tokens[0].file, path("site"));
  EXPECT_EQ(config.tokens[0].roots, talks);
  EXPECT_TRUE(config.tokens[0].write);
  EXPECT_EQ(config.tokens[0].token, "sixteen-and-more-characters");
  EXPECT_TRUE(config.tokens[1].roots.empty());
  EXPECT_FALSE(config.tokens[1].write);
}

TEST_F(TokensTest, AreRefusedWhereTheySayTooLittleOrTooMuch) {
  write("site", "sixteen-and-more-characters");
  write("same", "sixteen-and-more-characters");
  write("shown", "another-sixteen-and-more", 0644);
  const auto message = [&](const std::string& text) {
    const Error error = bad(file(text));
    EXPECT_EQ(error.code, Code::bad_configuration);
    EXPECT_EQ(error.message.find("sixteen"), std::string::npos) << "the token is nobody's to see";
    return error.message;
  };
  const std::string site = "[[token]]\nfile = \"site\"\n";
  EXPECT_NE(message("[[token]]\naccess = \"read\"").find("needs a file"), std::string::npos);
  EXPECT_NE(message(site + "access = \"all\"").find("\"read\" or \"write\""), std::string::npos);
  EXPECT_NE(message(site + "roots = []").find("names no root"), std::string::npos);
  EXPECT_NE(message(site + "roots = [\"films\"]").find("\"films\", and there is none"),
            std::string::npos);
  EXPECT_NE(message("[[token]]\nfile = \"none\"").find("No such file"), std::string::npos);
  EXPECT_NE(message("[[token]]\nfile = \"shown\"").find("others can read it"), std::string::npos);
  EXPECT_NE(message(site + "[[token]]\nfile = \"same\"").find("the same token as"),
            std::string::npos);
  EXPECT_NE(message("token_file = \"same\"\n" + site).find("the same token as"), std::string::npos);
}

TEST_F(ConfigTest, KindsSayWhichStateIsTracked) {
  const DaemonConfig config = good(
      file("[[kind]]\nname = \"talks\"\ntrack = \"/review/state\"\n[[kind]]\nname = \"videos\"\n"));
  EXPECT_EQ(config.rules.tracked_pointer("talks"), "/review/state");
  EXPECT_EQ(config.rules.tracked_pointer("videos"), "/transcode/state");
  const Error error = bad(file("[[kind]]\nname = \"talks\"\ntrack = \"state\"\n"));
  EXPECT_NE(error.message.find(":3:9: \"state\" is no JSON Pointer"), std::string::npos)
      << error.message;
}

TEST_F(ConfigTest, OtherMachinesAreAnsweredWithATokenOnly) {
  std::ofstream(path("token")) << "sixteen-and-more-characters\n";
  fs::permissions(path("token"), fs::perms(0600));
  for (const char* address : {"0.0.0.0:80", "192.168.1.5:8640", "128.0.0.1:0"}) {
    const Error error = bad({"--listen", address, path("talks")});
    EXPECT_EQ(error.code, Code::bad_configuration);
    EXPECT_NE(error.message.find("without a token"), std::string::npos) << error.message;
    EXPECT_NE(error.hint.find("--token-file"), std::string::npos) << error.hint;
    const DaemonConfig config =
        good({"--listen", address, "--token-file", path("token"), path("talks")});
    EXPECT_EQ(config.token, "sixteen-and-more-characters");
  }
  for (const char* address : {"127.0.0.1:0", "127.0.0.2:80", "localhost:80"})
    EXPECT_EQ(good({"--listen", address, path("talks")}).token, "") << address;
  // In the file, relative to it.
  EXPECT_EQ(good(file("listen = \"0.0.0.0:0\"\ntoken_file = \"token\"")).token_file, path("token"));
}

TEST_F(ConfigTest, ATokenFileThatOthersCanReadIsRefused) {
  std::ofstream(path("token")) << "sixteen-and-more-characters\n";
  fs::permissions(path("token"), fs::perms(0644));
  const Error error = bad({"--token-file", path("token"), path("talks")});
  EXPECT_EQ(error.code, Code::bad_configuration);
  EXPECT_NE(error.message.find("others can read it"), std::string::npos) << error.message;
}

TEST_F(ConfigTest, HostNamesAreNames) {
  const std::vector<std::string> names = {"media.example", "jcn"};
  EXPECT_EQ(good({"--http-host-names", "media.example", "--http-host-names", "jcn", path("talks")})
                .http_host_names,
            names);
  EXPECT_EQ(good(file("[http]\nhost_names = [\"media.example\", \"jcn\"]")).http_host_names, names);
  for (const char* name : {"", "http://media.example", "media.example:80", "a b", "*", "[::1]"})
    EXPECT_EQ(bad({std::string("--http-host-names=") + name, path("talks")}).code, Code::bad_usage)
        << name;
}

TEST_F(ConfigTest, HelpVersionAndCheckPrintAndExit) {
  const auto text = [&](const std::vector<std::string>& words) {
    auto loaded = load(words);
    if (!loaded.ok() || !std::holds_alternative<PrintAndExit>(*loaded)) return std::string();
    return std::get<PrintAndExit>(*loaded).text;
  };
  for (const OptionRow& row : option_table()) {
    if (!row.flag.empty()) {
      EXPECT_NE(text({"--help"}).find(row.flag), std::string::npos) << row.flag;
    }
  }
  EXPECT_EQ(text({"--version"}), "jcn " JCN_VERSION "\n");
  EXPECT_NE(text({"--check-config", path("talks")}).find("root: talks = "), std::string::npos);
  EXPECT_EQ(bad({"--check-config", path("none")}).code, Code::root_unavailable);
}

TEST_F(ConfigTest, EveryKeyOfTheFileHasItsEffect) {
  fs::create_directory(folder_ / "films");
  std::ofstream(path("jcn.conf")) << R"(
index = "the-index"
listen = "127.0.0.1:9000"
writable = false
log_level = "warning"
ignore = ["*.bak.json"]
ignore_defaults = false

[limits]
max_bytes = 2000
max_depth = 5
max_members = 70
[settle]
first_ms = 1
second_ms = 2
[fold]
quiet_ms = 3
interval_ms = 4
fresh_limit_bytes = 1048576
[http]
threads = 16
[poll]
interval_ms = 500
[audit]
interval_ms = 60000

[[root]]
path = "films"
name = "movies"
poll = true
[[root]]
path = "away"

[[kind]]
name = "videos"
[[kind]]
name = "stats"

[[rule]]
kind = "stats"
root = "movies"
match = "stats/**/*.json"
id = ["/video/id", "stem", "path"]
rank = -3
order_by = "/at"
anchor = true
null = "ignore"
union = ["/tags", "/cast"]
min = "/first"
max = ["/views"]
[[rule]]
)";
  const DaemonConfig config = good({"--config", path("jcn.conf"), "--listen", "127.0.0.1:9001"});
  EXPECT_EQ(config.index, path("the-index"));
  EXPECT_EQ(config.listen_port, 9001);  // the command line beats the file
  EXPECT_EQ(config.log_level, "warning");
  EXPECT_EQ(config.rules.ignore, std::vector<std::string>{"*.bak.json"});
  EXPECT_EQ(config.rules.limits, (Limits{2000, 5, 70}));
  EXPECT_EQ(config.settle_first, milliseconds(1));
  EXPECT_EQ(config.settle_second, milliseconds(2));
  EXPECT_EQ(config.fold_quiet, milliseconds(3));
  EXPECT_EQ(config.fold_interval, milliseconds(4));
  EXPECT_EQ(config.fresh_limit_bytes, 1048576u);
  EXPECT_EQ(config.http_threads, 16u);
  EXPECT_EQ(config.poll_interval, milliseconds(500));
  EXPECT_EQ(config.audit_interval, milliseconds(60'000));
  ASSERT_EQ(config.roots.size(), 2u);
  EXPECT_EQ(config.roots[0], (RootConfig{"movies", path("films"), true, true}));
  EXPECT_EQ(config.roots[1], (RootConfig{"away", path("away"), false, false}));  // offline
  ASSERT_EQ(config.rules.rules.size(), 2u);
  Rule stats;
  stats.kind = "stats";
  stats.root = "movies";
  stats.match = "stats/**/*.json";
  stats.id = {{IdSource::Kind::pointer, "/video/id"},
              {IdSource::Kind::stem, {}},
              {IdSource::Kind::path, {}}};
  stats.rank = -3;
  stats.order_by = "/at";
  stats.anchor = true;
  stats.ignore_nulls = true;
  stats.merge = {{MergeStrategy::Kind::union_of, "/tags"},
                 {MergeStrategy::Kind::union_of, "/cast"},
                 {MergeStrategy::Kind::min, "/first"},
                 {MergeStrategy::Kind::max, "/views"}};
  EXPECT_EQ(config.rules.rules[0], stats);
  EXPECT_EQ(config.rules.rules[1], Rule{});
}

TEST_F(ConfigTest, IgnoreAddsToTheDefaults) {
  auto expected = Rules::default_ignore();
  expected.push_back("*.old");
  EXPECT_EQ(good(file("ignore = \"*.old\"")).rules.ignore, expected);
  EXPECT_EQ(good(file("")).rules, Rules{});
}

struct Mistake {
  const char* text;
  const char* message;  // behind "FILE:"
  const char* hint = "";
};

TEST_F(ConfigTest, MistakesAreNamedWithLineAndColumn) {
  static const Mistake mistakes[] = {
      {"indx = 1", "1:1: unknown key \"indx\"", "did you mean \"index\"?"},
      {"\n[limit]\nmax_bytes = 9", "2:2: unknown key \"limit\"", "did you mean \"limits\"?"},
      {"[limits]\nmax_byte = 9", "2:1: unknown key \"max_byte\" in [limits]",
       "did you mean \"max_bytes\"?"},
      {"[http]\nsomething = 9", "2:1: unknown key \"something\" in [http]",
       "known here: threads host_names log_requests query_timeout_ms"},
      {"[[rule]]\nkidn = \"a\"", "2:1: unknown key \"kidn\" in [rule]", "did you mean \"kind\"?"},
      {"writable = \"yes\"", "1:12: \"writable\" must be true or false"},
      {"[limits]\nmax_depth = 0", "2:13: \"max_depth\" must be an integer from 1 to 10000"},
      {"[limits]\nmax_depth = 1.5", "2:13: \"max_depth\" must be an integer from 1 to 10000"},
      {"ignore = [1]", "1:10: \"ignore\" must be an array of strings"},
      {"ignore = [\"a/b\"]", "1:10: ignore pattern \"a/b\" is no pattern for one name"},
      {"index = 5", "1:9: \"index\" must be a path"},
      {"listen = \"[::]:1\"", "1:10: listen address \"[::]:1\" is no IPv4 address with a port"},
      {"limits = 5", "1:10: \"limits\" must be a table", "write [limits]"},
      {"[rule]\nkind = \"a\"", "1:1: \"rule\" must be an array of tables", "write [[rule]]"},
      {"rule = [1]", "1:8: \"rule\" must be an array of tables", "write [[rule]]"},
      {"[[root]]\nname = \"x\"", "1:1: a [[root]] needs a path"},
      {"[[root]]\npath=\"x\"\nname = \"a/b\"", "3:8: \"a/b\" is no name for a root"},
      {"[[rule]]\nkind = \"Videos\"", "2:8: \"Videos\" is no name for a kind"},
      {"[[rule]]\nkind = \"search\"", "2:8: \"search\" can't be a kind: /v1/search is reserved"},
      {"[[kind]]\nname = \"sync\"", "2:8: \"sync\" can't be a kind: /v1/sync is reserved"},
      {"[[kind]]\n", "1:1: a [[kind]] needs a name"},
      {"[[kind]]\nname = \"a\"\n[[kind]]\nname = \"a\"", "4:8: kind \"a\" is declared twice"},
      {"[[kind]]\nname = \"shows\"\n[[rule]]\nkind = \"show\"",
       "4:8: kind \"show\" is not among the declared ones", "did you mean \"shows\"?"},
      {"[[rule]]\nid = [\"id\"]", "2:6: \"id\" is no source of an id"},
      {"[[rule]]\nid = []", "2:6: \"id\" names no source"},
      {"[[rule]]\nid = [\"/a~2\"]", "2:6: \"/a~2\" is no JSON Pointer"},
      {"[[rule]]\norder_by = \"at\"", "2:12: \"at\" is no JSON Pointer"},
      {"[[rule]]\nunion = [\"\"]", "2:9: \"\" is no JSON Pointer"},
      {"[[rule]]\nmin = [\"/a\"]\nmax = [\"/a\"]",
       "3:7: \"/a\" has two merge strategies in one rule"},
      {"[[rule]]\nnull = \"keep\"", "2:8: \"null\" must be \"ignore\" or \"delete\""},
      {"[[rule]]\nmatch = \"/a\"", "2:9: \"/a\" is no glob on a relative path"},
      {"[[rule]]\nrank = 4000000000",
       "2:8: \"rank\" must be an integer from -2147483648 to 2147483647"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.text);
    const Error error = bad(file(mistake.text));
    EXPECT_EQ(error.code, Code::bad_configuration);
    EXPECT_EQ(error.message, path("jcn.conf:") + mistake.message);
    if (*mistake.hint != '\0') {
      EXPECT_EQ(error.hint, mistake.hint);
    }
  }
  EXPECT_TRUE(bad(file("\n\nindex = ")).message.starts_with(path("jcn.conf:3:")));
  EXPECT_EQ(bad(file("[[rule]]\nroot = \"talk\"")).hint, "did you mean \"talks\"?");
  EXPECT_EQ(bad({"--config", path("missing.conf"), path("talks")}).code, Code::bad_configuration);
  EXPECT_EQ(bad({"--config", folder_.string(), path("talks")}).code, Code::bad_configuration);
}

TEST_F(ConfigTest, SchemasAreReadBesideTheFile) {
  const auto write_schema = [&](const std::string& text) {
    std::ofstream(path("video.schema.json")) << text;
  };
  const std::vector<std::string> words =
      file("[[kind]]\nname = \"videos\"\nschema = \"video.schema.json\"\n");
  write_schema("{ \"type\": \"object\" }\n");
  const Rules rules = good(words).rules;
  ASSERT_NE(rules.schema("videos"), nullptr);
  EXPECT_EQ(rules.schema("videos")->text(), R"({"type":"object"})");
  EXPECT_EQ(rules.schema("talks"), nullptr);
  EXPECT_EQ(good(words).rules, rules) << "read again, and the same";
  write_schema("{\"type\":\"object\"}");
  EXPECT_EQ(good(words).rules, rules) << "white space is no change";
  write_schema("{}");
  EXPECT_NE(good(words).rules, rules);

  write_schema("{\n  \"properties\": {\"a\": {\"type\": \"text\"}}}");
  const Error mistake = bad(words);
  EXPECT_EQ(mistake.code, Code::bad_configuration);
  EXPECT_TRUE(mistake.message.starts_with(path("jcn.conf") + ":3:10: schema " +
                                          path("video.schema.json") +
                                          ":2:32: /properties/a/type: type must be "))
      << mistake.message;
  write_schema("{\"type\":}");
  EXPECT_NE(bad(words).message.find("video.schema.json:1:9: "), std::string::npos)
      << bad(words).message;
  write_schema(std::string(Schema::max_bytes + 1, ' '));
  EXPECT_NE(bad(words).message.find("larger than"), std::string::npos);
  fs::remove(path("video.schema.json"));
  EXPECT_NE(bad(words).message.find("No such file"), std::string::npos) << bad(words).message;
  EXPECT_NE(bad(file("[[kind]]\nname = \"videos\"\nschema = 5\n")).message.find("must be a path"),
            std::string::npos);
}

TEST_F(ConfigTest, WeightsAreNamedByField) {
  const auto weights = [this](const std::string& table) {
    return file("[[kind]]\nname = \"videos\"\nsearch_weights = " + table + "\n");
  };
  EXPECT_EQ(
      good(weights(R"({ title = 3, "video.url" = 0, "/a~1b" = 0.5 })")).rules.weights("videos"),
      (SearchWeights{{"/title", 3}, {"/video/url", 0}, {"/a~1b", 0.5}}));
  EXPECT_EQ(good(weights("{}")).rules.weights("videos"), SearchWeights{});
  for (const char* wrong : {"5", "{ a = -1 }", "{ a = 1001 }", "{ a = \"1\" }", "{ a = nan }",
                            "{ a.b = 1 }", "{ \"/~\" = 1 }", "{ \"\" = 1 }"}) {
    const Error error = bad(weights(wrong));
    EXPECT_EQ(error.code, Code::bad_configuration) << wrong;
    EXPECT_NE(error.message.find(":3:18: "), std::string::npos) << wrong << ' ' << error.message;
  }
}

TEST_F(ConfigTest, WhatASearchLooksAtIsNamedByField) {
  const auto scope = [this](const std::string& lines) {
    return file("[[kind]]\nname = \"videos\"\n" + lines + "\n");
  };
  EXPECT_EQ(
      good(scope(R"(search_exclude = ["thumbnail_url", "/videos", "a.b"])")).rules.scope("videos"),
      (SearchScope{{}, {"/thumbnail_url", "/videos", "/a/b"}}));
  EXPECT_EQ(
      good(scope("search_fields = [\"a\", \"c\"]\nsearch_exclude = \"a.b\"")).rules.scope("videos"),
      (SearchScope{{"/a", "/c"}, {"/a/b"}}));
  EXPECT_TRUE(good(scope("search_exclude = []")).rules.search_scopes.empty());
  const struct {
    const char *lines, *message;
  } wrong[] = {
      {"search_fields = []", ":3:17: \"search_fields\" names no field"},
      {"search_fields = 5", ":3:17: \"search_fields\" must be"},
      {"search_exclude = [\"a\", 5]", ":3:18: \"search_exclude\" must be"},
      {"search_exclude = [\"a\", \"/~\"]", ":3:18: '/~' is no field"},
      {"search_exclude = \"\"", ":3:18: '' is no field"},
      {"search_fields = [\"a\", \"_updated\"]", ":3:17: \"_updated\" is no member"},
      {"search_fields = [\"b\", \"a.b\"]\nsearch_exclude = \"a\"",
       ":4:18: \"search_exclude\" leaves nothing of /a/b"},
      {"search_excludes = []", ":3:1: unknown key \"search_excludes\""},
  };
  for (const auto& each : wrong) {
    const Error error = bad(scope(each.lines));
    EXPECT_EQ(error.code, Code::bad_configuration) << each.lines;
    EXPECT_NE(error.message.find(each.message), std::string::npos)
        << each.lines << ": " << error.message;
  }
}

TEST_F(ConfigTest, FoldersOnTheCommandLineReplaceThoseOfTheFile) {
  const DaemonConfig config = good(file("[[root]]\npath = \"elsewhere\"\n"));
  ASSERT_EQ(config.roots.size(), 1u);
  EXPECT_EQ(config.roots[0].path, path("talks"));
}

TEST_F(ConfigTest, TheSampleConfigurationIsRight) {
  const DaemonConfig config = good({"--config", JCN_SOURCE_DIR "/tests/data/jcn.conf"});
  ASSERT_EQ(config.roots.size(), 1u);
  EXPECT_EQ(config.roots[0].name, "site");
  const auto kind_of = [&](const std::string& path) {
    const Rule* rule = config.rules.find({"site", path});
    return rule == nullptr ? "none" : rule->kind + "/" + std::to_string(rule->rank);
  };
  EXPECT_EQ(kind_of("kitchen/rye-loaf.views.json"), "recipes/0");
  EXPECT_EQ(kind_of("films/short/moth.json"), "videos/0");
  EXPECT_EQ(kind_of("films/moth.awards.json"), "videos/10");
  EXPECT_EQ(kind_of("moth.views.json"), "videos/20");
  EXPECT_EQ(kind_of("moth.txt"), "none");
  EXPECT_TRUE(config.rules.ignored("films/moth.draft.json"));
}

}  // namespace
}  // namespace jcn
