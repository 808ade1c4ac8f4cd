#include "jcn/search_scope.h"

#include <gtest/gtest.h>

#include <vector>

namespace jcn {
namespace {

TEST(SearchScope, APlaceHoldsWhatLiesBeneathIt) {
  const struct {
    const char *path, *place;
    bool within;
  } cases[] = {
      {"/a", "/a", true},          {"/a/b", "/a", true},         {"/ab", "/a", false},
      {"/a", "/a/b", false},       {"/b/a", "/a", false},        {"/a/~*/b", "/a", true},
      {"/a/~*/b", "/a/b", true},   {"/a/~*/~*/b", "/a/b", true}, {"/a/~*", "/a/b", false},
      {"/a/~*/b/c", "/a/b", true}, {"/a/~*/bc", "/a/b", false},  {"/a~1b", "/a", false},
      {"/a~1b/c", "/a~1b", true},  {"/~0*/b", "/b", false},      {"/", "/", true},
      {"//a", "/", true},          {"/a", "/", false},           {"_text", "/a", false},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(lies_within(each.path, each.place), each.within) << each.path << " in " << each.place;
  }
}

TEST(SearchScope, WhatIsExcludedIsNotCoveredEvenIfItIsNamed) {
  EXPECT_TRUE(SearchScope().everything());
  EXPECT_TRUE(SearchScope().covers("/a"));
  const SearchScope some{{"/a", "/b/c"}, {"/a/x"}};
  EXPECT_FALSE(some.everything());
  for (const char* path : {"/a", "/a/y", "/a/~*/y", "/b/c", "/b/~*/c/d"}) {
    EXPECT_TRUE(some.covers(path)) << path;
  }
  for (const char* path : {"/a/x", "/a/x/z", "/a/~*/x", "/b", "/b/d", "/d"}) {
    EXPECT_FALSE(some.covers(path)) << path;
  }
  EXPECT_TRUE((SearchScope{{}, {"/a"}}.covers("/b")));
  EXPECT_FALSE((SearchScope{{}, {"/a"}}.covers("/a/b")));
}

}  // namespace
}  // namespace jcn
