#include "jcn/field.h"

#include <gtest/gtest.h>

#include "jcn/canonical.h"

namespace jcn {
namespace {

std::string path_of(std::string_view text) {
  const auto field = parse_field(text);
  EXPECT_TRUE(field.ok()) << text;
  if (!field.ok()) return "error";
  EXPECT_EQ(field->kind, Field::Kind::member) << text;
  EXPECT_EQ(field->text, text);
  return field->path;
}

TEST(Field, DotsWalkObjects) {
  EXPECT_EQ(path_of("title"), "/title");
  EXPECT_EQ(path_of("video.codec.name"), "/video/codec/name");
  EXPECT_EQ(path_of("a..b"), "/a//b");
  EXPECT_EQ(path_of("."), "//");
  EXPECT_EQ(path_of("a."), "/a/");
  EXPECT_EQ(path_of("tags.0"), "/tags/0");
  EXPECT_FALSE(parse_field("tags.0")->may_index);
}

TEST(Field, NamesAreEscapedIntoPaths) {
  EXPECT_EQ(path_of("a/b.c~d"), "/a~1b/c~0d");
  // No name is the step into an array.
  EXPECT_EQ(path_of("~*"), "/~0*");
  std::string path = "/a";
  append_field_step(path, "~*/");
  EXPECT_EQ(path, "/a/~0*~1");
}

TEST(Field, SlashesBeginPointers) {
  EXPECT_EQ(path_of("/a/b"), "/a/b");
  EXPECT_EQ(path_of("/a.b"), "/a.b");
  EXPECT_EQ(path_of("/a~1b/c~0d"), "/a~1b/c~0d");
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/_id"), "/_id");
  EXPECT_EQ(path_of("/_created"), "/_created");
}

TEST(Field, PointersMayIndex) {
  for (const char* text : {"/0", "/tags/0", "/tags/10/name", "/a/4294967296"}) {
    EXPECT_TRUE(parse_field(text)->may_index) << text;
  }
  for (const char* text : {"/tags", "/a/01", "/a/-", "/a/1x", "/a/", "/a/+1", "0"}) {
    EXPECT_FALSE(parse_field(text)->may_index) << text;
  }
}

TEST(Field, ComputedOnesHaveNamesOfTheirOwn) {
  EXPECT_EQ(parse_field("_id")->kind, Field::Kind::id);
  EXPECT_EQ(parse_field("_created")->kind, Field::Kind::created);
  EXPECT_EQ(parse_field("_updated")->kind, Field::Kind::updated);
  EXPECT_EQ(parse_field("_since")->kind, Field::Kind::since);
  EXPECT_EQ(parse_field("_created")->path, "_created");
  EXPECT_EQ(parse_field("_updated")->path, "_updated");
  EXPECT_EQ(path_of("_ID"), "/_ID");
  EXPECT_EQ(path_of("_id.x"), "/_id/x");
  EXPECT_EQ(path_of("a._id"), "/a/_id");
}

TEST(Field, WhatIsNeitherIsRefused) {
  for (const char* text : {"", "/~", "/a~", "/~2", "/~*", "/a/~x/b"}) {
    const auto field = parse_field(text);
    ASSERT_FALSE(field.ok()) << text;
    EXPECT_EQ(field.error().code, Code::bad_field);
    EXPECT_FALSE(field.error().message.empty());
  }
}

// A path, taken as a pointer, leads to what was named, as long as no array is on the way.
TEST(Field, PathsLeadToTheMember) {
  const std::string document = R"({"a":{"":{"/~":1}},"a.b":2,"":3,"_id":4})";
  EXPECT_EQ(json_at(document, path_of("a../~")), "1");
  EXPECT_EQ(json_at(document, path_of("/a.b")), "2");
  EXPECT_EQ(json_at(document, path_of("/")), "3");
  EXPECT_EQ(json_at(document, path_of("/_id")), "4");
}

}  // namespace
}  // namespace jcn
