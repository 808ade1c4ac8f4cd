#include "jcn/projection.h"

#include <gtest/gtest.h>
#include <pthread.h>

namespace jcn {
namespace {

constexpr std::string_view document =
    R"({"a":1,"b":{"c":2,"d":[{"x":1,"y":2},{"x":3}]},"e.f":3,"g":null,"\n":4,"":{"":5}})";

std::string project(const std::vector<std::string>& fields, std::string_view from = document) {
  return Projection(fields).of(from);
}

TEST(Projection, KeepsNamedMembersInDocumentOrder) {
  EXPECT_EQ(project({"g", "a"}), R"({"a":1,"g":null})");
  EXPECT_EQ(project({"b.c"}), R"({"b":{"c":2}})");
  EXPECT_EQ(project({"b", "b.c"}), R"({"b":{"c":2,"d":[{"x":1,"y":2},{"x":3}]}})");
  EXPECT_EQ(project({"/e.f"}), R"({"e.f":3})");
  EXPECT_EQ(project({"\n"}), R"({"\n":4})");
  EXPECT_EQ(project({"e.f", "a.x", "b.z", "nothing", "/~", "b.d.x"}), "{}");
  EXPECT_EQ(project({}), "{}");
  EXPECT_EQ(project({"b.c", "a"}, R"({"b":{"x":1},"a":2})"), R"({"a":2})");
  EXPECT_EQ(project({"."}), R"({"":{"":5}})");
  EXPECT_EQ(project({"/"}), R"({"":{"":5}})");
}

TEST(Projection, OnlyPointersEnterArrays) {
  EXPECT_EQ(project({"/b/d/0/y"}), R"({"b":{"d":[{"y":2}]}})");
  EXPECT_EQ(project({"/b/d/1"}), R"({"b":{"d":[{"x":3}]}})");
  EXPECT_EQ(project({"/b/d/0/x", "/b/d/1/x"}), R"({"b":{"d":[{"x":1},{"x":3}]}})");
  EXPECT_EQ(project({"/b/d/00", "/b/d/-", "/b/d/2", "/b/d/x"}), "{}");
  EXPECT_EQ(project({"b.d.0"}), "{}");
  EXPECT_EQ(project({"b.d.0", "/b/d/1"}), R"({"b":{"d":[{"x":3}]}})");
  EXPECT_EQ(project({"b.0"}, R"({"b":{"0":1}})"), R"({"b":{"0":1}})");
  EXPECT_EQ(project({"/b/0"}, R"({"b":{"0":1}})"), R"({"b":{"0":1}})");
}

// What runs on the server's workers has 100 KiB.
TEST(Projection, DeepFieldsAndDocumentsNeedNoStack) {
  std::string field = "a", deep = "1";
  for (int i = 0; i < 20'000; ++i) field += ".a";
  for (int i = 0; i < 20'001; ++i) deep = R"({"a":)" + deep + '}';
  struct Work {
    const std::string &field, &deep;
    std::string kept;
  } work{field, deep, {}};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    auto& todo = *static_cast<Work*>(argument);
    todo.kept = Projection({todo.field, "/b" + std::string(20'000, '/')}).of(todo.deep);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(work.kept, deep);
}

}  // namespace
}  // namespace jcn
