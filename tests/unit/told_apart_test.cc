#include "told_apart.h"

#include <gtest/gtest.h>

namespace jcnctl {
namespace {

using Pair = std::pair<std::string, std::string>;

TEST(ToldApart, ByTypeAndQuotes) {
  EXPECT_EQ(told_apart("1041", "\"1041\""), Pair("1041", "\"1041\""));
  EXPECT_EQ(told_apart("[]", "[\"a\"]"), Pair("[]", "[\"a\"]"));
  EXPECT_EQ(told_apart("null", "\"\""), Pair("null", "\"\""));
  EXPECT_EQ(told_apart("\"Борщ\"", "\"Суп\""), Pair("\"Борщ\"", "\"Суп\""));
}

TEST(ToldApart, WhatLooksTheSameIsEscaped) {
  // Composed and not; a space that doesn't break; nothing of no width; a letter twice as wide.
  EXPECT_EQ(told_apart("\"\u00e9\"", "\"e\u0301\""), Pair("\"\\u00e9\"", "\"e\\u0301\""));
  EXPECT_EQ(told_apart("\"a b\"", "\"a\u00a0b\""), Pair("\"a b\"", "\"a\\u00a0b\""));
  EXPECT_EQ(told_apart("\"ab\"", "\"a\u200bb\""), Pair("\"ab\"", "\"a\\u200bb\""));
  EXPECT_EQ(told_apart("\"A\"", "\"\uff21\""), Pair("\"A\"", "\"\\uff21\""));
  EXPECT_EQ(told_apart("\"\U0001f600\"", "\"\U0001f600\u200d\""),
            Pair("\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\\u200d\""));
  EXPECT_EQ(told_apart("\"a  b\"", "\"a b\""), Pair("\"a  b\"", "\"a b\""));
}

TEST(ToldApart, OfLongOnesWhereTheyDiffer) {
  const std::string begin = "\"the same words in the beginning, ";
  EXPECT_EQ(told_apart(begin + "then one\"", begin + "then another\""),
            Pair("…g, then one\"", "…g, then another\""));
  EXPECT_EQ(told_apart("\"žžžžžžžžžžx\"", "\"žžžžžžžžžžy\""), Pair("…žžžžžžžžx\"", "…žžžžžžžžy\""));
  EXPECT_EQ(told_apart("12345678", "123456789"), Pair("12345678", "123456789"));
  // Half of a character is never shown: these two differ in their second byte.
  EXPECT_EQ(told_apart("\"aaaaaaaaaaaaé\"", "\"aaaaaaaaaaaaè\""),
            Pair("…aaaaaaaé\"", "…aaaaaaaè\""));
}

}  // namespace
}  // namespace jcnctl
