#include "jcn/judge.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

Rules with_schema(std::string_view schema, const std::string& kind = "videos") {
  Rules rules;
  rules.schemas[kind] = {std::get<std::shared_ptr<const Schema>>(Schema::compile(schema))};
  return rules;
}

const FragmentName name{"r", "a.json"};

TEST(Judge, TheSchemaHasTheLastWord) {
  const Rules rules = with_schema(R"({"properties":{"n":{"type":"integer"}},"required":["n"]})");
  const auto code_of = [&](std::string_view bytes) {
    const auto verdict = judge(rules, name, bytes);
    const auto* reject = std::get_if<Reject>(&verdict);
    return reject ? std::string(code_name(reject->code)) : "good";
  };
  EXPECT_EQ(code_of(R"({"id":"x","n":1})"), "good");
  EXPECT_EQ(code_of(R"({"id":"x","n":1.5})"), "schema_violation");
  EXPECT_EQ(code_of(R"({"id":".","n":1.5})"), "invalid_id") << "before the schema";
  EXPECT_EQ(code_of(R"({"id":"x","n":1.5,})"), "syntax_error");
  EXPECT_EQ(code_of("[]"), "not_an_object");
}

TEST(Judge, ASchemaIsItsKindsAlone) {
  Rules rules = with_schema("false", "people");
  EXPECT_TRUE(std::holds_alternative<GoodFragment>(judge(rules, name, R"({"id":"x"})")));
  rules.rules.front().kind = "people";
  EXPECT_TRUE(std::holds_alternative<Reject>(judge(rules, name, R"({"id":"x"})")));
}

TEST(Judge, AViolationHasItsPlaceInTheFile) {
  const Rules rules =
      with_schema(R"({"properties":{"tags":{"items":{"type":"string"}}},"required":["title"]})");
  const auto verdict = judge(rules, name, "{\n  \"t\\u0061gs\": [\"ä\", \n 5],\n  \"id\": 1}");
  const auto* reject = std::get_if<Reject>(&verdict);
  ASSERT_TRUE(reject);
  EXPECT_EQ(reject->code, Code::schema_violation);
  EXPECT_EQ(reject->pointer, "");
  EXPECT_EQ(reject->line, 1U);
  EXPECT_EQ(reject->column, 1U);
  const auto second =
      judge(rules, name, "{\n  \"title\": 1, \"t\\u0061gs\": [\"ä\", \n 5],\n  \"id\": 1}");
  reject = std::get_if<Reject>(&second);
  ASSERT_TRUE(reject);
  EXPECT_EQ(reject->pointer, "/tags/1");
  EXPECT_EQ(reject->line, 3U);
  EXPECT_EQ(reject->column, 2U);
  EXPECT_EQ(reject->message,
            "must be a string, not a number (/properties/tags/items/type of the schema)");
}

TEST(Judge, PointersThatAreTooLongAreLeftOut) {
  const Rules rules = with_schema(R"({"additionalProperties":false,"properties":{"id":{}}})");
  const auto verdict = judge(rules, name, R"({"id":"x",")" + std::string(2000, 'n') + R"(":1})");
  const auto* reject = std::get_if<Reject>(&verdict);
  ASSERT_TRUE(reject);
  EXPECT_FALSE(reject->pointer);
  EXPECT_TRUE(reject->offset);
}

}  // namespace
}  // namespace jcn
