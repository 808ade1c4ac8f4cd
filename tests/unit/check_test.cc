#include "jcn/check.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "jcn/canonical.h"

namespace jcn {
namespace {

using namespace std::string_literals;

std::string canonical(std::string_view bytes) {
  const auto checked = check_json(bytes, Limits{});
  if (const auto* reject = std::get_if<Reject>(&checked)) {
    return "<" + std::string(code_name(reject->code)) + ">";
  }
  return std::get<std::string>(checked);
}

// "code line:column @offset 'pointer'"; what is absent is left out.
std::string describe(const std::variant<std::string, Reject>& checked) {
  const auto* reject = std::get_if<Reject>(&checked);
  if (!reject) return "accepted";
  std::string out(code_name(reject->code));
  if (reject->offset) {
    out += " " + std::to_string(*reject->line) + ":" + std::to_string(*reject->column) + " @" +
           std::to_string(*reject->offset);
  }
  if (reject->pointer) out += " '" + *reject->pointer + "'";
  EXPECT_FALSE(reject->message.empty());
  EXPECT_EQ(reject->line.has_value(), reject->offset.has_value());
  EXPECT_EQ(reject->column.has_value(), reject->offset.has_value());
  return out;
}

std::string verdict(std::string_view bytes) {
  return describe(check_json(bytes, Limits{}));
}

TEST(CheckCanonical, Minified) {
  EXPECT_EQ(canonical(" {\r\n\t\"b\" : [ 1 , true , null ] , \"a\":{ } , \"c\":[ ]\n} "),
            R"({"b":[1,true,null],"a":{},"c":[]})");
  EXPECT_EQ(canonical("[[],[[]],{\"a\":[{}]}]"), R"([[],[[]],{"a":[{}]}])");
  for (const char* value : {"null", "true", "false", "0", "\"\"", "[]", "{}"}) {
    EXPECT_EQ(canonical(value), value);
    EXPECT_EQ(canonical(" "s + value + "\n"), value);
  }
}

TEST(CheckCanonical, NumbersKeepTheirTexts) {
  for (const char* number :
       {"64176294690080990", "1.10", "-0", "-0.0", "1E5", "1e+05", "1e-999999999999999999999",
        "123456789012345678901234567890.123456789012345678901234567890", "1.7976931348623157e308",
        "0.000000000000000000000000000000000000001e300"}) {
    EXPECT_EQ(canonical(number), number);
    EXPECT_EQ(canonical("["s + number + "]"), "["s + number + "]");
  }
}

TEST(CheckCanonical, StringsHaveMinimalEscapes) {
  EXPECT_EQ(canonical(R"("\u00e9\u00E9é")"), "\"ééé\"");
  EXPECT_EQ(canonical(R"("\ud83d\ude00")"), "\"\xF0\x9F\x98\x80\"");
  EXPECT_EQ(canonical(R"("\/\u002f")"), "\"//\"");
  EXPECT_EQ(canonical(R"("\u0000\u001F\u0008\u000c\u000A\u000d\u0009")"),
            R"("\u0000\u001f\b\f\n\r\t")");
  EXPECT_EQ(canonical(R"("\u0022\u005c\u007f")"), "\"\\\"\\\\\x7F\"");
  EXPECT_EQ(canonical(R"({"\u0061\n":"x"})"), R"({"a\n":"x"})");
  EXPECT_EQ(canonical("\"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\""), "\"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\"");
  // Not normalised: e and a combining accent stay two characters.
  EXPECT_EQ(canonical("\"e\\u0301\""), "\"e\xCC\x81\"");
}

TEST(CheckBytes, EmptyFiles) {
  EXPECT_EQ(verdict(""), "empty_file");
  EXPECT_EQ(verdict(" \r\n\t"), "empty_file");
}

TEST(CheckBytes, ByteOrderMarks) {
  EXPECT_EQ(verdict("\xEF\xBB\xBF{}"), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\xEF\xBB\xBF"), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\xEF\xBB{}"), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\xEF"), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\xFF\xFE{\0}\0"s), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\xFE\xFF\0{\0}"s), "byte_order_mark 1:1 @0");
  EXPECT_EQ(verdict("\0\0\xFE\xFF\0\0\0{"s), "byte_order_mark 1:1 @0");
  // A mark within is a character like others, and no white space.
  EXPECT_EQ(verdict(" \xEF\xBB\xBF{}"), "syntax_error 1:2 @1 ''");
  EXPECT_EQ(verdict("\"\xEF\xBB\xBF\""), "accepted");
}

TEST(CheckBytes, Nul) {
  EXPECT_EQ(verdict("{}\0"s), "nul_byte 1:3 @2");
  EXPECT_EQ(verdict("{}\n\0garbage"s), "nul_byte 2:1 @3");
  EXPECT_EQ(verdict("[\"é\0\"]"s), "nul_byte 1:4 @4");
  EXPECT_EQ(verdict("\0\0\0\0"s), "nul_byte 1:1 @0");
  EXPECT_EQ(verdict("{\0}\0"s), "nul_byte 1:2 @1");
  EXPECT_NE(std::get<Reject>(check_json("{\0}\0"s, Limits{})).message.find("UTF-16"),
            std::string::npos);
  // Before faults of the text, wherever they are.
  EXPECT_EQ(verdict("[,]\0"s), "nul_byte 1:4 @3");
}

TEST(CheckBytes, InvalidUtf8AtItsFirstByte) {
  for (const std::string& sequence :
       {"\x80"s, "\xBF"s, "\xC0\x80"s, "\xC1\xBF"s, "\xC3"s, "\xC3("s, "\xE0\x80\x80"s,
        "\xE0\x9F\xBF"s, "\xE2\x82"s, "\xE2\x82("s, "\xED\xA0\x80"s, "\xED\xBF\xBF"s,
        "\xF0\x8F\xBF\xBF"s, "\xF0\x9F\x98"s, "\xF0\x9F\x98("s, "\xF4\x90\x80\x80"s,
        "\xF5\x80\x80\x80"s, "\xF8\x88\x80\x80\x80"s, "\xFF"s}) {
    EXPECT_EQ(verdict("{\n\"é\":\"" + sequence + "\"}"), "invalid_utf8 2:6 @8");
    EXPECT_EQ(verdict("[1]" + sequence), "invalid_utf8 1:4 @3") << "outside of strings";
    EXPECT_EQ(verdict("[\"" + std::string(100, 'a') + sequence), "invalid_utf8 1:103 @102");
  }
  EXPECT_EQ(verdict("[,\"\xFF\"]"), "invalid_utf8 1:4 @3") << "before faults of the text";
  EXPECT_EQ(verdict("\"\xFF\0\""s), "invalid_utf8 1:2 @1");
  EXPECT_EQ(verdict("\"\0\xFF\""s), "nul_byte 1:2 @1");
}

// Every two-byte and three-byte sequence against the definition, wherever it stands in a block
// of 16.
TEST(CheckBytes, Utf8Exhaustively) {
  const auto valid = [](unsigned a, unsigned b, unsigned c) {
    if (a < 0xE0 || a > 0xEF || b < 0x80 || b > 0xBF || c < 0x80 || c > 0xBF) return false;
    const unsigned point = (a & 15) << 12 | (b & 63) << 6 | (c & 63);
    return point >= 0x800 && (point < 0xD800 || point > 0xDFFF);
  };
  std::string text = "\"" + std::string(13, 'x') + "???\"";
  for (unsigned a = 0xE0; a < 0x100; ++a) {
    for (unsigned b = 0x7F; b < 0xC2; ++b) {
      for (unsigned c = 0x7F; c < 0xC2; ++c) {
        text[14] = static_cast<char>(a);
        text[15] = static_cast<char>(b);
        text[16] = static_cast<char>(c);
        ASSERT_EQ(canonical(text) == text, valid(a, b, c)) << a << " " << b << " " << c;
      }
    }
  }
}

TEST(CheckStrings, ControlCharacters) {
  EXPECT_EQ(verdict("{\"a\":\"b\nc\"}"), "control_character 1:8 @7 '/a'");
  EXPECT_EQ(verdict("[1,\"\t\"]"), "control_character 1:5 @4 '/1'");
  EXPECT_EQ(verdict("{\"a\x1F\":1}"), "control_character 1:4 @3 ''");
  EXPECT_EQ(verdict("[\f]"), "syntax_error 1:2 @1 '/0'");
}

TEST(CheckStrings, Escapes) {
  EXPECT_EQ(verdict(R"({"a":"xé\q"})"), "invalid_escape 1:9 @9 '/a'");
  EXPECT_EQ(verdict(R"(["\u12G4"])"), "invalid_escape 1:3 @2 '/0'");
  EXPECT_EQ(verdict(R"(["\u12"])"), "invalid_escape 1:3 @2 '/0'");
  EXPECT_EQ(verdict(R"({"\U0041":1})"), "invalid_escape 1:3 @2 ''");
  EXPECT_EQ(verdict("\"\\\n\""), "invalid_escape 1:2 @1 ''");
}

TEST(CheckStrings, LoneSurrogates) {
  EXPECT_EQ(verdict(R"({"a":["\ud800"]})"), "lone_surrogate 1:8 @7 '/a/0'");
  EXPECT_EQ(verdict(R"({"a":"x\udc00"})"), "lone_surrogate 1:8 @7 '/a'");
  EXPECT_EQ(verdict(R"({"a":"\ud800\ud800"})"), "lone_surrogate 1:7 @6 '/a'");
  EXPECT_EQ(verdict(R"("\ud83d\ude00\ude00")"), "lone_surrogate 1:14 @13 ''");
  EXPECT_EQ(verdict(R"("\ud800\n")"), "lone_surrogate 1:2 @1 ''");
  EXPECT_EQ(verdict(R"("\ud800x")"), "lone_surrogate 1:2 @1 ''");
  EXPECT_EQ(verdict(R"({"\udfff":1})"), "lone_surrogate 1:3 @2 ''");
  EXPECT_EQ(verdict(R"("\udc00 \q")"), "lone_surrogate 1:2 @1 ''") << "the first fault counts";
  EXPECT_EQ(verdict(R"("\ud800\uZZZZ")"), "invalid_escape 1:8 @7 ''");
}

TEST(CheckNumbers, Malformed) {
  EXPECT_EQ(verdict("[1,01]"), "invalid_number 1:5 @4 ''");
  EXPECT_EQ(verdict("-01"), "invalid_number 1:3 @2 ''");
  EXPECT_EQ(verdict("{\"a\":-}"), "invalid_number 1:7 @6 '/a'");
  EXPECT_EQ(verdict("[- 1]"), "invalid_number 1:3 @2 '/0'");
  EXPECT_EQ(verdict("[+1]"), "invalid_number 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[.5]"), "invalid_number 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[5.]"), "invalid_number 1:4 @3 '/0'");
  EXPECT_EQ(verdict("[5.e1]"), "invalid_number 1:4 @3 '/0'");
  EXPECT_EQ(verdict("[5e]"), "invalid_number 1:4 @3 '/0'");
  EXPECT_EQ(verdict("[5e+]"), "invalid_number 1:5 @4 '/0'");
  EXPECT_EQ(verdict("[0x1F]"), "invalid_number 1:3 @2 ''");
  EXPECT_EQ(verdict("[1_000]"), "invalid_number 1:3 @2 ''");
  EXPECT_EQ(verdict("[1.2.3]"), "invalid_number 1:5 @4 ''");
  EXPECT_EQ(verdict("[NaN]"), "invalid_number 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[-Infinity]"), "invalid_number 1:3 @2 '/0'");
}

TEST(CheckNumbers, OutOfRange) {
  EXPECT_EQ(verdict("{\"a\":[0,1e400]}"), "number_out_of_range 1:9 @8 '/a/1'");
  EXPECT_EQ(verdict("-1e400"), "number_out_of_range 1:1 @0 ''");
  EXPECT_EQ(verdict("[1e99999999999999999999]"), "number_out_of_range 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[1.8e308]"), "number_out_of_range 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[-123456e305]"), "number_out_of_range 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[" + std::string(310, '9') + "]"), "number_out_of_range 1:2 @1 '/0'");
  EXPECT_EQ(verdict("[" + std::string(308, '9') + "]"), "accepted");
  EXPECT_EQ(verdict("[1.7976931348623157e308]"), "accepted");
  EXPECT_EQ(verdict("[1e-400]"), "accepted") << "no double is needed to keep a text";
}

TEST(CheckSyntax, UnexpectedEnd) {
  EXPECT_EQ(verdict("{"), "unexpected_end 1:2 @1 ''");
  EXPECT_EQ(verdict("{\"a\""), "unexpected_end 1:5 @4 '/a'");
  EXPECT_EQ(verdict("{\"a\":"), "unexpected_end 1:6 @5 '/a'");
  EXPECT_EQ(verdict("{\"a\":1"), "unexpected_end 1:7 @6 ''");
  EXPECT_EQ(verdict("{\"a\":1,\n"), "unexpected_end 2:1 @8 ''");
  EXPECT_EQ(verdict("{\"a\":{\"b\":[1,\"é"), "unexpected_end 1:16 @16 '/a/b/1'");
  for (const char* text :
       {"[", "[1", "[1,", "tru", "n", "-", "1.", "1e", "1e+", "\"", "\"\\", "\"\\u", "\"\\u12",
        "\"\\ud800", "\"\\ud800\\", "\"\\ud800\\u", "\"\\ud800\\udc0", "{\"a"}) {
    EXPECT_TRUE(
        verdict(text).starts_with("unexpected_end 1:" + std::to_string(std::strlen(text) + 1)))
        << text << ": " << verdict(text);
  }
}

// Cut anywhere, a text of one object is never taken for whole, and always for torn.
TEST(CheckSyntax, EveryPrefixIsRefusedAsTorn) {
  const std::string text =
      R"({"a":[1,-2.5e+3,true,null,"x\n\ud83d\ude00é"],"b":{"c":{}},"d":false})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto checked = check_fragment(text.substr(0, length), Limits{});
    ASSERT_TRUE(std::holds_alternative<Reject>(checked)) << length;
    EXPECT_TRUE(may_be_torn(std::get<Reject>(checked).code)) << length;
  }
  EXPECT_EQ(canonical(text).size(), text.size() - 8);
}

TEST(CheckSyntax, Places) {
  EXPECT_EQ(verdict("{\n  \"a\": 1\n  \"b\": 2\n}"), "syntax_error 3:3 @13 ''");
  EXPECT_EQ(verdict("{\"x\":{\"a\" 1}}"), "syntax_error 1:11 @10 '/x/a'");
  EXPECT_EQ(verdict("{\"a\":1,}"), "syntax_error 1:8 @7 ''");
  EXPECT_EQ(verdict("{\"a\":}"), "syntax_error 1:6 @5 '/a'");
  EXPECT_EQ(verdict("{a:1}"), "syntax_error 1:2 @1 ''");
  EXPECT_EQ(verdict("{'a':1}"), "syntax_error 1:2 @1 ''");
  EXPECT_EQ(verdict("{\"a~/b\":[1,2,]}"), "syntax_error 1:14 @13 '/a~0~1b/2'");
  EXPECT_EQ(verdict("[1 2]"), "syntax_error 1:4 @3 ''");
  EXPECT_EQ(verdict("[1}"), "syntax_error 1:3 @2 ''");
  EXPECT_EQ(verdict("[tru]"), "syntax_error 1:5 @4 '/0'");
  EXPECT_EQ(verdict("[True]"), "syntax_error 1:2 @1 '/0'");
  EXPECT_EQ(verdict("}"), "syntax_error 1:1 @0 ''");
  EXPECT_EQ(verdict("é"), "syntax_error 1:1 @0 ''");
  EXPECT_EQ(verdict("{} // note"), "trailing_bytes 1:4 @3");
  EXPECT_EQ(verdict("[/*x*/]"), "syntax_error 1:2 @1 '/0'");
  EXPECT_EQ(verdict("{}\r\n{}"), "trailing_bytes 2:1 @4");
  EXPECT_EQ(verdict("1 2"), "trailing_bytes 1:3 @2");
  EXPECT_EQ(verdict("12a"), "invalid_number 1:3 @2 ''");
}

TEST(CheckSyntax, MessagesSayWhatWasExpected) {
  const auto message = [](std::string_view bytes) {
    return std::get<Reject>(check_json(bytes, Limits{})).message;
  };
  EXPECT_EQ(message("{\"a\":1 \"b\":2}"), "expected ',' or '}' after a member's value, found '\"'");
  EXPECT_EQ(message("[1 é]"), "expected ',' or ']' after an element, found 'é'");
  EXPECT_EQ(message("{\"a\":1,}"), "a comma stands before '}'");
  EXPECT_EQ(message("[1,]"), "a comma stands before ']'");
  EXPECT_EQ(message("[01]"), "a number must not begin with 0, found '1'");
  EXPECT_EQ(
      message("[\x01]"),
      "expected a value (object, array, string, number, true, false or null), found a control "
      "character");
}

TEST(CheckLimits, Depth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(verdict(nested(64)), "accepted");
  EXPECT_TRUE(verdict(nested(65)).starts_with("too_deep 1:65 @64 '/0/0/"));
  EXPECT_EQ(describe(check_json(R"({"a":[{"b":1}]})", {.max_depth = 2})), "too_deep 1:7 @6 '/a/0'");
  EXPECT_EQ(describe(check_json("5", {.max_depth = 0})), "accepted");
  EXPECT_TRUE(verdict(std::string(100'000, '[')).starts_with("too_deep 1:65 @64"));
  const Limits deep{.max_depth = 1'000'000};
  EXPECT_EQ(describe(check_json(nested(100'000), deep)), "accepted") << "no recursion";
  EXPECT_TRUE(describe(check_json(std::string(100'000, '['), deep)).starts_with("unexpected_end"));
}

TEST(CheckLimits, Members) {
  EXPECT_EQ(describe(check_json(R"({"a":{"b":1},"c":2})", {.max_members = 3})), "accepted");
  EXPECT_EQ(describe(check_json(R"({"a":{"b":1},"c":2})", {.max_members = 2})),
            "too_many_members 1:14 @13 ''");
  EXPECT_EQ(describe(check_json(R"({"a":{"b":1}})", {.max_members = 1})),
            "too_many_members 1:7 @6 '/a'");
}

TEST(CheckLimits, Bytes) {
  EXPECT_EQ(describe(check_json("[1]", {.max_bytes = 3})), "accepted");
  EXPECT_EQ(describe(check_json("[1] ", {.max_bytes = 3})), "too_large");
}

TEST(CheckMembers, Duplicates) {
  EXPECT_EQ(verdict(R"({"a":1,"b":{"a":2},"a":3})"), "duplicate_member 1:20 @19 '/a'");
  EXPECT_EQ(verdict(R"({"x":[0,{"a":1,"\u0061":2}]})"), "duplicate_member 1:16 @15 '/x/1/a'");
  EXPECT_EQ(verdict(R"({"\n":1,"\u000a":2})"), "duplicate_member 1:9 @8 '/\n'");
  EXPECT_EQ(verdict(R"({"":1,"":1})"), "duplicate_member 1:7 @6 '/'");
  EXPECT_EQ(verdict(R"([{"a":1},{"a":1},{"b":{"b":{"b":1}}}])"), "accepted");
  EXPECT_EQ(verdict(R"({"a":1,"A":1,"á":1,"a\u0301":1})"), "accepted");
}

TEST(CheckMembers, ManyAreStillCompared) {
  std::string text = "{";
  for (int i = 0; i < 9'999; ++i) text += "\"m" + std::to_string(i) + "\":0,";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(verdict(text + "\"x\":0}"), "accepted");
  EXPECT_EQ(verdict(text + "\"m5000\":0}"),
            "duplicate_member 1:" + std::to_string(text.size() + 1) + " @" +
                std::to_string(text.size()) + " '/m5000'");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(CheckPointer, LongOnesAreLeftOut) {
  const std::string name(2000, 'n');
  EXPECT_EQ(verdict("{\"" + name + "\":x}"), "syntax_error 1:2005 @2004");
}

TEST(CheckFragment, OneObject) {
  EXPECT_EQ(describe(check_fragment("{}", Limits{})), "accepted");
  EXPECT_EQ(describe(check_fragment("\n [{}]", Limits{})), "not_an_object 2:2 @2 ''");
  EXPECT_EQ(describe(check_fragment("null", Limits{})), "not_an_object 1:1 @0 ''");
  EXPECT_EQ(describe(check_fragment("[1", Limits{})), "unexpected_end 1:3 @2 ''");
}

TEST(MayBeTorn, VerdictsOnTheTextOnly) {
  for (const Code code :
       {Code::empty_file, Code::invalid_utf8, Code::nul_byte, Code::unexpected_end,
        Code::syntax_error, Code::trailing_bytes, Code::duplicate_member, Code::unstable}) {
    EXPECT_TRUE(may_be_torn(code)) << code_name(code);
  }
  for (const Code code : {Code::symlink, Code::fifo, Code::permission_denied, Code::too_large,
                          Code::no_id, Code::invalid_id, Code::system}) {
    EXPECT_FALSE(may_be_torn(code)) << code_name(code);
  }
}

}  // namespace
}  // namespace jcn
