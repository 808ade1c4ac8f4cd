#include "token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace jcn {
namespace {

const std::string token = "abcdefghijklmnop-._~+/0189==";

class TokenFileTest : public testing::Test {
 protected:
  std::string write(const std::string& text, mode_t mode = 0600) {
    const std::string path = (folder_ / "token").string();
    folder_.write("token", text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  Error bad(const std::string& path) {
    const auto read = read_token_file(path);
    if (read) {
      ADD_FAILURE() << "accepted";
      return {};
    }
    EXPECT_EQ(read.error().code, Code::bad_configuration);
    EXPECT_NE(read.error().message.find(path), std::string::npos) << read.error().message;
    EXPECT_EQ((read.error().message + read.error().hint).find("abcdef"), std::string::npos)
        << "it tells the token";
    return read.error();
  }

  TemporaryFolder folder_;
};

TEST_F(TokenFileTest, ItsFirstLineIsTheToken) {
  for (const std::string& text :
       {token, token + "\n", token + "\r\n", token + "\nand what it is for\n"}) {
    const auto read = read_token_file(write(text));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, token);
  }
  EXPECT_TRUE(read_token_file(write(std::string(512, 'x'))));
  EXPECT_TRUE(read_token_file(write(std::string(512, 'x') + "\n")));
}

TEST_F(TokenFileTest, OthersMayNeitherReadNorChangeIt) {
  for (const mode_t mode : {0400, 0600, 0440, 0640, 0700})
    EXPECT_TRUE(read_token_file(write(token, mode))) << std::oct << mode;
  for (const mode_t mode : {0604, 0644, 0666, 0602, 0620, 0660, 0777}) {
    const Error error = bad(write(token, mode));
    EXPECT_NE(error.message.find("others can"), std::string::npos) << error.message;
    EXPECT_NE(error.hint.find("chmod 600"), std::string::npos) << error.hint;
  }
  EXPECT_NE(bad(write(token, 0644)).message.find("others can read it (mode 0644)"),
            std::string::npos);
}

TEST_F(TokenFileTest, ItBelongsToThisUserOrToRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const std::string path = write(token);
  ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
  EXPECT_NE(bad(path).message.find("another user"), std::string::npos);
}

TEST_F(TokenFileTest, ItHasToBeAFile) {
  EXPECT_NE(bad((folder_ / "none").string()).message.find("No such file"), std::string::npos);
  EXPECT_NE(bad(folder_.string()).message.find("no regular file"), std::string::npos);
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(bad(fifo).message.find("no regular file"), std::string::npos) << "at once";
}

TEST_F(TokenFileTest, AShortOrOddTokenIsNone) {
  for (const std::string& text :
       {std::string(), std::string("\n") + token, std::string("abcdef"), std::string(513, 'x'),
        std::string("abcdef ghijklmnopqrst"), std::string("abcdef=ghijklmnopqrst"),
        std::string("abcdef\0ghijklmnopqrst", 21), std::string("================"),
        std::string("abcdefghijklmnopä")})
    bad(write(text));
}

}  // namespace
}  // namespace jcn
