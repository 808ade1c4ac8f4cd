#include "jcn/schema.h"

#include <gtest/gtest.h>

#include <pthread.h>

#include <atomic>
#include <thread>

namespace jcn {
namespace {

std::shared_ptr<const Schema> compiled(std::string_view bytes) {
  auto result = Schema::compile(bytes);
  if (const auto* reject = std::get_if<Reject>(&result)) {
    ADD_FAILURE() << bytes << ": " << reject->message;
    return nullptr;
  }
  return std::get<std::shared_ptr<const Schema>>(result);
}

// "valid", or "POINTER: MESSAGE" without the place in the schema.
std::string verdict(std::string_view schema, std::string_view document) {
  const auto program = compiled(schema);
  if (!program) return "refused";
  const auto violation = program->check(document);
  if (!violation) return "valid";
  const std::size_t place = violation->message.rfind(" (");
  return violation->pointer.value_or("-") + ": " + violation->message.substr(0, place);
}
bool valid(std::string_view schema, std::string_view document) {
  return verdict(schema, document) == "valid";
}
Reject refused(std::string_view bytes) {
  auto result = Schema::compile(bytes);
  auto* reject = std::get_if<Reject>(&result);
  EXPECT_TRUE(reject) << bytes << " was taken";
  if (!reject) return {};
  EXPECT_EQ(reject->code, Code::bad_schema);
  return *reject;
}

TEST(Schema, SaysWhatIsWantedAndWhere) {
  EXPECT_EQ(verdict(R"({"type":"string"})", "5"), ": must be a string, not a number");
  EXPECT_EQ(verdict(R"({"type":["null","integer"]})", "1.5"),
            ": must be null or an integer, not 1.5");
  EXPECT_EQ(verdict(R"({"properties":{"a":{"items":{"minimum":3}}}})", R"({"a":[3,2]})"),
            "/a/1: 2 must be at least 3");
  EXPECT_EQ(verdict(R"({"required":["title","id"]})", R"({"id":1})"),
            ": must have a member \"title\"");
  EXPECT_EQ(
      verdict(R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b/c":2})"),
      "/b~1c: nothing may stand here");
  EXPECT_EQ(verdict(R"({"enum":["b","a",3]})", "4"), ": must be one of 3, \"a\", \"b\"");
  EXPECT_EQ(verdict(R"({"const":{"a":1}})", R"({"a":2})"), R"(: must be {"a":1})");
  EXPECT_EQ(verdict(R"({"minLength":2})", R"("ä")"), ": must have at least 2 characters, has 1");
  EXPECT_EQ(verdict(R"({"maxItems":1})", "[1,2]"), ": must have at most 1 element, has 2");
  EXPECT_EQ(verdict(R"({"maxProperties":0})", R"({"a":1})"),
            ": must have at most 0 members, has 1");
  EXPECT_EQ(verdict(R"({"pattern":"^a+$"})", R"("ab")"), ": must match the pattern \"^a+$\"");
  EXPECT_EQ(verdict(R"({"format":"date"})", R"("2026-02-29")"),
            ": must be a date such as 2026-03-01 (RFC 3339)");
  EXPECT_EQ(verdict(R"({"uniqueItems":true})", R"([{"a":1,"b":2},1,{"b":2.0,"a":1}])"),
            "/2: an earlier element has the same value");
  EXPECT_EQ(verdict(R"({"dependencies":{"a":["b"]}})", R"({"a":1})"),
            ": must have a member \"b\", because it has \"a\"");
  EXPECT_EQ(verdict(R"({"propertyNames":{"maxLength":2}})", R"({"ab":1,"abc":2})"),
            "/abc: the member's name must have at most 2 characters, has 3");
  EXPECT_EQ(verdict(R"({"not":{"type":"number"}})", "1"), ": must not be as the schema here says");
  EXPECT_EQ(verdict(R"({"contains":{"const":3}})", "[1,2]"),
            ": must contain an element as the schema here says");
  EXPECT_EQ(verdict(R"({"oneOf":[{"type":"number"},{"minimum":2}]})", "3"),
            ": must fit exactly one alternative, and fits several");
  EXPECT_EQ(verdict("false", "1"), ": nothing may stand here");
  EXPECT_EQ(compiled(R"({"properties":{"a":{"$ref":"#/definitions/x"}},)"
                     R"("definitions":{"x":{"type":"string"}}})")
                ->check(R"({"a":1})")
                ->message,
            "must be a string, not a number (/definitions/x/type of the schema)");
}

TEST(Schema, OfAlternativesTheDeepestFailureIsShown) {
  const char* schema = R"({"anyOf":[{"type":"string"},
      {"type":"object","properties":{"at":{"properties":{"x":{"type":"integer"}}}}}]})";
  EXPECT_EQ(verdict(schema, R"({"at":{"x":"1"}})"),
            ": must fit one of 2 alternatives (/anyOf of the schema); the nearest: /at/x must be an "
            "integer, not a string");
  EXPECT_TRUE(valid(schema, "\"x\""));
  EXPECT_TRUE(
      valid(R"({"allOf":[{"anyOf":[{"type":"string"},{"type":"number"}]},{"minimum":1}]})", "1"));
}

TEST(Schema, OffsetsLeadToTheValue) {
  const std::string document = R"({"a":[1,{"b":"x"}],"c":2})";
  const auto violation =
      compiled(R"({"properties":{"a":{"items":{"properties":{"b":{"type":"null"}}}}}})")
          ->check(document);
  ASSERT_TRUE(violation);
  EXPECT_EQ(document.substr(violation->offset, 3), "\"x\"");
  EXPECT_EQ(violation->pointer, "/a/1/b");
}

TEST(Schema, NumbersAreExact) {
  const char* large = R"({"maximum":18446744073709551617})";
  EXPECT_TRUE(valid(large, "18446744073709551617"));
  EXPECT_FALSE(valid(large, "18446744073709551618"));
  EXPECT_TRUE(valid(R"({"maximum":9007199254740992.5})", "9007199254740992"));
  EXPECT_FALSE(valid(R"({"maximum":9007199254740992.5})", "9007199254740993"));
  EXPECT_TRUE(valid(R"({"enum":[9007199254740993]})", "9007199254740993.0"));
  EXPECT_FALSE(valid(R"({"enum":[9007199254740993]})", "9007199254740992"));
  EXPECT_TRUE(valid(R"({"multipleOf":0.01})", "19.99"));
  EXPECT_FALSE(valid(R"({"multipleOf":0.01})", "19.991"));
  EXPECT_TRUE(valid(R"({"multipleOf":1e-8})", "12391239123"));
  EXPECT_FALSE(valid(R"({"multipleOf":3})", "1e308"));
  EXPECT_TRUE(valid(R"({"type":"integer"})", "1" + std::string(200, '0') + ".0"));
  EXPECT_FALSE(valid(R"({"type":"integer"})", "1e-99999999999999999999"));
  EXPECT_TRUE(valid(R"({"exclusiveMinimum":0,"exclusiveMaximum":1e-300})", "1e-301"));
  EXPECT_FALSE(valid(R"({"exclusiveMinimum":0})", "0.00e5"));
}

TEST(Schema, KnowsWhatDraft7Added) {
  const char* conditional = R"({"if":{"properties":{"kind":{"const":"film"}},"required":["kind"]},)"
                            R"("then":{"required":["director"]},"else":{"required":["channel"]}})";
  EXPECT_TRUE(valid(conditional, R"({"kind":"film","director":"x"})"));
  EXPECT_EQ(verdict(conditional, R"({"kind":"film","channel":"x"})"),
            ": must have a member \"director\"");
  EXPECT_EQ(verdict(conditional, R"({"kind":"clip","director":"x"})"),
            ": must have a member \"channel\"");
  EXPECT_TRUE(valid(R"({"if":false,"then":false})", "1"));
  EXPECT_TRUE(valid(R"({"then":false,"else":false})", "1")) << "without if they say nothing";
  EXPECT_TRUE(valid(R"({"const":null})", "null"));
  EXPECT_FALSE(valid(R"({"const":false})", "0"));
  EXPECT_FALSE(valid(R"({"contains":{}})", "[]"));
  EXPECT_TRUE(valid(R"({"contains":true})", "{}"));
  EXPECT_FALSE(valid(R"({"propertyNames":false})", R"({"":1})"));
  EXPECT_FALSE(valid(R"({"exclusiveMaximum":3})", "3"));
  EXPECT_TRUE(valid(R"({"exclusiveMaximum":3})", "2.9"));
  EXPECT_TRUE(valid(R"({"items":[{"type":"number"}],"additionalItems":{"type":"string"}})",
                    R"([1,"a","b"])"));
  EXPECT_FALSE(valid(R"({"items":[{"type":"number"}],"additionalItems":{"type":"string"}})",
                     R"([1,"a",2])"));
}

TEST(Schema, DraftsDiffer) {
  const std::string four = R"({"$schema":"http://json-schema.org/draft-04/schema#",)";
  const std::string six = R"({"$schema":"http://json-schema.org/draft-06/schema",)";
  EXPECT_FALSE(valid(four + R"("minimum":3,"exclusiveMinimum":true})", "3"));
  EXPECT_TRUE(valid(four + R"("minimum":3,"exclusiveMinimum":false})", "3"));
  EXPECT_FALSE(valid(four + R"("type":"integer"})", "1.0"));
  EXPECT_TRUE(valid(six + R"("type":"integer"})", "1.0"));
  EXPECT_TRUE(valid(four + R"("const":1})", "2")) << "no keyword of draft 4";
  EXPECT_TRUE(valid(six + R"("if":true,"then":false})", "2")) << "no keyword of draft 6";
  EXPECT_EQ(refused(four + R"("minimum":3,"exclusiveMinimum":2})").pointer, "/exclusiveMinimum");
  EXPECT_EQ(refused(R"({"$schema":"https://json-schema.org/draft/2020-12/schema"})").pointer,
            "/$schema");
}

TEST(Schema, ReferencesStayInside) {
  EXPECT_TRUE(
      valid(R"({"$id":"http://x/a/b.json","properties":{"p":{"$ref":"c.json#/definitions/n"}},
      "definitions":{"c":{"$id":"c.json","definitions":{"n":{"type":"number"}}}}})",
            R"({"p":1})"));
  EXPECT_FALSE(
      valid(R"({"properties":{"p":{"$ref":"#n"}},"definitions":{"x":{"$id":"#n","type":"null"}}})",
            R"({"p":1})"));
  EXPECT_FALSE(valid(R"({"$ref":"#/$defs/a%25","$defs":{"a%":{"type":"null"}}})", "1"))
      << "places that are no keyword's can be referred to";
  const Reject remote = refused("{\n \"properties\": {\"a\": {\"$ref\": \"http://x/y.json#/a\"}}}");
  EXPECT_EQ(remote.pointer, "/properties/a/$ref");
  EXPECT_EQ(remote.line, 2U);
  EXPECT_EQ(remote.column, 31U);
  EXPECT_NE(remote.message.find("http://x/y.json"), std::string::npos);
  EXPECT_EQ(refused(R"({"$ref":"#/nowhere"})").pointer, "/$ref");
  EXPECT_EQ(refused(R"({"$ref":"#nowhere"})").pointer, "/$ref");
  EXPECT_EQ(refused(R"({"$ref":5})").pointer, "/$ref");
  EXPECT_EQ(refused(R"({"$ref":"#/definitions/~2"})").pointer, "/$ref");
}

// References that never go deeper would be followed for ever.
TEST(Schema, LoopsAreRefused) {
  for (
      const char* schema :
      {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"}]})", R"({"not":{"$ref":"#"}})",
       R"({"if":{"$ref":"#"}})", R"({"dependencies":{"a":{"$ref":"#"}}})",
       R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"anyOf":[{},{"$ref":"#/definitions/a"}]}}})"})
    EXPECT_NE(refused(schema).message.find("refers to itself"), std::string::npos) << schema;
  EXPECT_TRUE(
      valid(R"({"properties":{"child":{"$ref":"#"}},"propertyNames":{"$ref":"#/x"},"x":{}})",
            R"({"child":{"child":{}}})"));
}

TEST(Schema, MistakesAreToldWithTheirPlace) {
  const struct {
    const char* schema;
    const char* pointer;
  } mistakes[] = {
      {R"({"type":"text"})", "/type"},
      {R"({"type":[]})", "/type"},
      {R"({"type":["string",5]})", "/type/1"},
      {R"({"properties":{"a":[]}})", "/properties/a"},
      {R"({"properties":{"a":{"required":true}}})", "/properties/a/required"},
      {R"({"required":["a",1]})", "/required/1"},
      {R"({"minLength":-1})", "/minLength"},
      {R"({"minLength":1.5})", "/minLength"},
      {R"({"maxItems":"3"})", "/maxItems"},
      {R"({"minimum":"3"})", "/minimum"},
      {R"({"exclusiveMinimum":true})", "/exclusiveMinimum"},
      {R"({"multipleOf":0})", "/multipleOf"},
      {R"({"pattern":"("})", "/pattern"},
      {R"({"patternProperties":{"[":{}}})", "/patternProperties/["},
      {R"({"allOf":[]})", "/allOf"},
      {R"({"anyOf":{}})", "/anyOf"},
      {R"({"enum":1})", "/enum"},
      {R"({"definitions":{"a":1}})", "/definitions/a"},
      {R"({"dependencies":{"a":[1]}})", "/dependencies/a/0"},
      {R"({"$id":"#a","definitions":{"b":{"$id":"#a"}}})", "/definitions/b/$id"},
      {"[]", ""},
  };
  for (const auto& mistake : mistakes)
    EXPECT_EQ(refused(mistake.schema).pointer, mistake.pointer) << mistake.schema;
  const Reject syntax = refused("{\"type\":\n  \"string\",}");
  EXPECT_EQ(syntax.line, 2U);
  EXPECT_EQ(syntax.column, 12U);
}

// The depth of documents and schemas costs memory, not stack: this thread has 64 KiB of it.
TEST(Schema, DepthCostsNoStack) {
  std::string document, schema = R"({"$ref":"#/definitions/d0","definitions":{)";
  const int chain = 2000;
  for (int i = 0; i < chain; ++i) {
    schema += "\"d" + std::to_string(i) + "\":{\"allOf\":[{\"$ref\":\"#/definitions/d" +
              std::to_string(i + 1) + "\"}]},";
  }
  schema += "\"d" + std::to_string(chain) + R"(":{"items":{"$ref":"#"}}}})";
  for (int i = 0; i < 60; ++i) document += '[';
  document += '1';
  for (int i = 0; i < 60; ++i) document += ']';
  const auto program = compiled(schema);
  ASSERT_TRUE(program);
  std::optional<SchemaViolation> violation;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  struct Job {
    const Schema& schema;
    const std::string& document;
    std::optional<SchemaViolation>& violation;
  } job{*program, document, violation};
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* pointer) -> void* {
                  const Job& todo = *static_cast<Job*>(pointer);
                  todo.violation = todo.schema.check(todo.document);
                  return nullptr;
                },
                &job),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_FALSE(violation) << violation->message;
}

// A schema whose every level asks twice about the next: 2^40 ways, cut after a number of steps.
TEST(Schema, StepsAreBounded) {
  std::string schema = R"({"$ref":"#/definitions/d0","definitions":{)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref":"#/definitions/d)" + std::to_string(i + 1) + "\"}";
    schema += "\"d" + std::to_string(i) + "\":{\"allOf\":[" + next + "," + next + "]},";
  }
  schema += R"("d40":{}}})";
  const auto program = compiled(schema);
  const auto violation = program->check("1");
  ASSERT_TRUE(violation);
  EXPECT_NE(violation->message.find("more steps"), std::string::npos);
  EXPECT_EQ(program->check("1"), violation) << "counted, not timed";
}

// Each a mebibyte, and each a way to make careless checks quadratic or worse.
TEST(Schema, LargeDocumentsTakeLinearTime) {
  std::string letters = "\"" + std::string(1'000'000, 'a') + "b\"";
  EXPECT_FALSE(valid(R"({"pattern":"^(a+)+$"})", letters));
  EXPECT_FALSE(valid(R"({"pattern":"^(a|b|ab)*c$"})", letters));
  std::string numbers = "[";
  for (int i = 0; i < 150'000; ++i) numbers += std::to_string(i) + ",";
  numbers += "7.0]";
  EXPECT_EQ(verdict(R"({"uniqueItems":true})", numbers),
            "/150000: an earlier element has the same value");
  std::string names = "[";
  std::string members = "{";
  for (int i = 0; i < 9'999; ++i) {
    names += "\"m" + std::to_string(i) + "\",";
    members += "\"m" + std::to_string(i) + "\":1,";
  }
  names.back() = ']';
  members += "\"z\":1}";
  EXPECT_TRUE(valid("{\"required\":" + names + "}", members));
}

TEST(Schema, ManyThreadsShareOne) {
  const auto program = compiled(
      R"({"properties":{"t":{"pattern":"^x[0-9]+$"},"n":{"enum":[1,2,3]}},"required":["t"]})");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const bool good = (i + t) % 2 == 0;
        const std::string document =
            R"({"t":")" + std::string(good ? "x" : "y") + std::to_string(i) + R"(","n":2})";
        if (program->check(document).has_value() == good) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Schema, TextIsCanonical) {
  EXPECT_EQ(compiled("{ \"type\" :\n\"str\\u0069ng\" }")->text(), R"({"type":"string"})");
}

}  // namespace
}  // namespace jcn
