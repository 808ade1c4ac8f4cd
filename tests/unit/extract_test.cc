#include "extract.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "jcn/canonical.h"

namespace jcn {
namespace {

// "path value", with "path[] value" for elements.
std::vector<std::string> found(std::string_view document, FieldTable& fields) {
  std::vector<std::string> out;
  extract(document, fields, [&](const Finding& finding) {
    EXPECT_EQ(finding.type, json_type(finding.text));
    out.push_back(fields.path(finding.field) + (finding.element ? "[] " : " ") +
                  std::string(finding.text));
  });
  return out;
}

std::vector<std::string> found(std::string_view document) {
  FieldTable fields;
  return found(document, fields);
}

using Lines = std::vector<std::string>;

TEST(Extract, MembersInDocumentOrder) {
  EXPECT_EQ(found(R"({"id":"x","n":-1.50e3,"b":true,"z":null,"o":{"a":1,"e":{}}})"),
            (Lines{R"(/id "x")", "/n -1.50e3", "/b true", "/z null", R"(/o {"a":1,"e":{}})",
                   "/o/a 1", "/o/e {}"}));
  EXPECT_EQ(found("{}"), Lines{});
}

TEST(Extract, ArraysHaveTheirScalarsAndAFieldForTheRest) {
  EXPECT_EQ(
      found(R"({"a":[1,{"b":[2]}],"c":[[3,[]],null]})"),
      (Lines{R"(/a [1,{"b":[2]}])", "/a[] 1", R"(/a/~* {"b":[2]})", "/a/~*/b [2]", "/a/~*/b[] 2",
             "/c [[3,[]],null]", "/c/~* [3,[]]", "/c/~*[] 3", "/c/~*/~* []", "/c[] null"}));
}

TEST(Extract, StringsMayHoldAnything) {
  EXPECT_EQ(found(R"({"a":"}],\\\"{[","b":"\\","c":["x,y","]"],"d":"\\\\\""})"),
            (Lines{R"(/a "}],\\\"{[")", R"(/b "\\")", R"(/c ["x,y","]"])", R"(/c[] "x,y")",
                   R"(/c[] "]")", R"(/d "\\\\\"")"}));
}

TEST(Extract, PathsAreOfUnescapedNames) {
  EXPECT_EQ(found(R"({"a/b":1,"~*":2,"":3,"q\"\n":{"\\":4}})"),
            (Lines{"/a~1b 1", "/~0* 2", "/ 3", "/q\"\n {\"\\\\\":4}", "/q\"\n/\\ 4"}));
}

TEST(Extract, FieldsKeepTheirNumbers) {
  FieldTable fields;
  EXPECT_EQ(fields.path(FieldTable::root), "");
  found(R"({"a":{"b":[{"c":1}]},"b":2})", fields);
  const std::size_t size = fields.size();
  EXPECT_EQ(size, 6U);
  found(R"({"b":5,"a":{"b":[{"c":2},{"c":3}]}})", fields);
  EXPECT_EQ(fields.size(), size);
  const FieldId a = fields.member(FieldTable::root, "\"a\"");
  const FieldId b = fields.member(a, "\"b\"");
  EXPECT_EQ(fields.find_or_add("/a/b/~*/c"), fields.member(fields.elements(b), "\"c\""));
  EXPECT_EQ(fields.find_or_add(""), FieldTable::root);
  EXPECT_EQ(fields.size(), size);
  EXPECT_NE(fields.find_or_add("/b"), b);
}

TEST(Extract, FieldsAreFoundByPath) {
  FieldTable fields;
  for (const char* path : {"/a", "/a/~*", "/a/~*/~*/x", "/~0*", "/a~1b/", "/", "//", "/q\"\\\n",
                           "_created", "/_created", "_text"}) {
    const FieldId field = fields.find_or_add(path);
    EXPECT_EQ(fields.path(field), path);
    EXPECT_EQ(fields.find_or_add(path), field);
  }
  EXPECT_EQ(fields.find_or_add("/q\"\\\n"), fields.member(FieldTable::root, R"("q\"\\\n")"));
  EXPECT_EQ(fields.find_or_add("/~0*"), fields.member(FieldTable::root, R"("~*")"));
}

TEST(Extract, ManyFieldsStayApart) {
  FieldTable fields;
  std::map<FieldId, std::string> paths;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "/n" + std::to_string(i % 100) + "/m" + std::to_string(i);
    paths[fields.find_or_add(name)] = name;
  }
  EXPECT_EQ(paths.size(), 300U);
  for (const auto& [field, path] : paths) {
    EXPECT_EQ(fields.path(field), path);
    EXPECT_EQ(fields.find_or_add(path), field);
  }
}

TEST(Extract, DepthNeedsNoStack) {
  std::string document = "{\"a\":";
  for (int i = 0; i < 5000; ++i) document += "[";
  document += "1";
  for (int i = 0; i < 5000; ++i) document += "]";
  document += "}";
  FieldTable fields;
  std::size_t findings = 0;
  std::size_t steps = 0;
  extract(document, fields, [&](const Finding& finding) {
    ++findings;
    steps = fields.path(finding.field).size() / 3;
  });
  EXPECT_EQ(findings, 5001U);
  EXPECT_EQ(steps, 4999U);
}

// The plain reading: cursors and recursion.
void plain(std::string_view container, const std::string& path, Lines& out) {
  const bool object = json_type(container) == JsonType::object;
  for (JsonCursor cursor(container); cursor.next();) {
    std::string at = path;
    const JsonType type = json_type(cursor.value());
    const bool scalar = type != JsonType::object && type != JsonType::array;
    if (object) {
      append_field_step(at, json_unquote(cursor.name()));
    } else if (!scalar) {
      at += "/~*";
    }
    out.push_back(at + (!object && scalar ? "[] " : " ") + std::string(cursor.value()));
    if (!scalar) plain(cursor.value(), at, out);
  }
}

std::string random_value(std::mt19937& random, int depth) {
  static constexpr const char* names[] = {R"("a")",    R"("b~")", R"("/")",
                                          R"("\"\\")", R"("")",   R"("{[")"};
  static constexpr const char* scalars[] = {"1",     "-2.5e-9", "null",       "true",
                                            "false", R"("")",   R"("],}\"")", R"("\\\\")"};
  const auto kind = random() % (depth > 0 ? 4 : 2);
  if (kind < 2) return scalars[random() % std::size(scalars)];
  std::string out = kind == 2 ? "[" : "{";
  const std::size_t first = random() % std::size(names), count = random() % std::size(names);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    if (kind == 3) out += names[(first + i) % std::size(names)] + std::string(":");
    out += random_value(random, depth - 1);
  }
  return out + (kind == 2 ? "]" : "}");
}

TEST(Extract, IsWhatAPlainReadingFinds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  FieldTable fields;
  for (int i = 0; i < 3000; ++i) {
    const std::string document = random_value(random, 6);
    if (document.front() != '{') continue;
    Lines expected;
    plain(document, "", expected);
    ASSERT_EQ(found(document, fields), expected) << document;
  }
}

TEST(Extract, OtherTextIsReadWithinBounds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  static constexpr char bytes[] = R"({}[]",:\a1t)";
  for (int i = 0; i < 100'000; ++i) {
    std::vector<char> text(random() % 20);
    for (char& c : text) c = bytes[random() % (std::size(bytes) - 1)];
    if (!text.empty() && random() % 4) text[0] = '{';
    FieldTable fields;
    std::size_t findings = 0;
    extract(std::string_view(text.data(), text.size()), fields,
            [&](const Finding&) { ++findings; });
    ASSERT_LE(findings, text.size());
  }
}

}  // namespace
}  // namespace jcn
