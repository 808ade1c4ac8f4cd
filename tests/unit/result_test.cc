#include "jcn/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

namespace jcn {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{Code::bad_parameter, "odd"};
  return number / 2;
}

Result<int> quarter(int number) {
  JCN_TRY(const int once, half(number));
  JCN_TRY(const int twice, half(once));
  return twice;
}

Result<void> check_quarter(int number) {
  JCN_CHECK(quarter(number));
  return {};
}

TEST(Result, ValueOrError) {
  EXPECT_EQ(*quarter(8), 2);
  const Result<int> failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::bad_parameter);
  EXPECT_EQ(failed.error().message, "odd");
}

TEST(Result, OfNothing) {
  EXPECT_TRUE(check_quarter(4).ok());
  EXPECT_EQ(check_quarter(5).error().message, "odd");
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(made);
  EXPECT_EQ(*taken, 7);
}

TEST(SystemError, NamesCallSubjectAndCause) {
  const Error error = system_error("openat2", "/srv/a.json", EACCES);
  EXPECT_EQ(error.code, Code::system);
  EXPECT_EQ(error.message, "openat2 /srv/a.json: Permission denied");
  EXPECT_FALSE(error.hint.empty());
}

TEST(SystemError, WithoutSubject) {
  EXPECT_EQ(system_error("inotify_init1", "", EMFILE).message,
            "inotify_init1: Too many open files");
}

TEST(SystemError, ShowsOddBytesOfPaths) {
  EXPECT_EQ(system_error("open", "a\xFF\nb\xC3\xA9", ENOENT).message,
            "open a\\xff\\x0ab\xC3\xA9: No such file or directory");
}

TEST(SystemError, UnknownNumber) {
  EXPECT_EQ(system_error("open", "x", 99999).message, "open x: error 99999");
}

}  // namespace
}  // namespace jcn
