#include "source_place.h"

#include <gtest/gtest.h>

#include <random>

#include "jcn/canonical.h"
#include "jcn/check.h"

namespace jcn {
namespace {

// JSON with every value also noted by its pointer, in whatever spelling.
class Drawn {
 public:
  explicit Drawn(unsigned seed) : random_(seed) { value("", 0); }
  const std::string& text() const { return text_; }

 private:
  std::size_t draw(std::size_t below) { return random_() % below; }
  void space() {
    for (std::size_t n = draw(4); n > 0; --n) text_ += " \t\r\n"[draw(4)];
  }
  void quoted(const std::string& name) {
    text_ += '"';
    for (const char c : name) {
      if (draw(3) == 0 && static_cast<unsigned char>(c) < 0x80) {
        text_ += "\\u00";
        text_ += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
        text_ += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
      } else if (c == '"' || c == '\\') {
        text_ += {'\\', c};
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  void value(const std::string& at, int depth) {
    space();
    const std::size_t kind = draw(depth > 4 ? 3 : 5);
    if (kind == 0) text_ += std::to_string(draw(1000));
    if (kind == 1) text_ += "null";
    if (kind == 2) quoted("a\"\\/{[,:]}é " + std::to_string(draw(100)));
    if (kind >= 3) {
      text_ += kind == 3 ? '{' : '[';
      const std::size_t count = draw(5);
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text_ += ',';
        if (kind == 3) {
          space();
          quoted("n/~\"ä" + std::to_string(i));
          space();
          text_ += ':';
        }
        value(at, depth + 1);
      }
      space();
      text_ += kind == 3 ? '}' : ']';
    }
    space();
  }

  std::mt19937 random_;
  std::string text_;
};

std::string canonical(const std::string& bytes) {
  auto checked = check_json(bytes, Limits{});
  EXPECT_TRUE(std::holds_alternative<std::string>(checked)) << bytes;
  return std::get<std::string>(checked);
}

TEST(SourcePlace, PointersAndOffsetsLeadToEachValue) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::size_t values = 0;
  for (unsigned round = 0; round < 2000; ++round) {
    const std::string bytes = Drawn(seed + round).text();
    const std::string text = canonical(bytes);
    std::vector<std::string_view> open = {text};
    while (!open.empty()) {
      const std::string_view value = open.back();
      open.pop_back();
      ++values;
      const auto offset = static_cast<std::size_t>(value.data() - text.data());
      const auto found = json_at(text, pointer_at(text, offset));
      ASSERT_TRUE(found) << pointer_at(text, offset) << " in " << text;
      EXPECT_EQ(static_cast<const void*>(found->data()), value.data());
      // From there on the source says the same; what follows the value must not disturb.
      const std::size_t in_source = offset_in_source(bytes, text, offset);
      const auto rest = check_json(bytes.substr(in_source), Limits{});
      const auto* reject = std::get_if<Reject>(&rest);
      ASSERT_TRUE(!reject || reject->code == Code::trailing_bytes) << bytes.substr(in_source);
      const std::size_t length = reject ? *reject->offset : std::string::npos;
      EXPECT_EQ(canonical(bytes.substr(in_source, length)), value);
      for (JsonCursor cursor(value); cursor.next();) open.push_back(cursor.value());
    }
  }
  EXPECT_GT(values, 1000U);
}

TEST(SourcePlace, NamesLeadToTheirMembers) {
  const std::string text = R"({"a":1,"b/c":{"d":[2]}})";
  EXPECT_EQ(pointer_at(text, text.find("\"a\"")), "/a");
  EXPECT_EQ(pointer_at(text, text.find("\"d\"")), "/b~1c/d");
  EXPECT_EQ(pointer_at(text, 0), "");
}

TEST(SourcePlace, LinesAndColumnsCountFromOne) {
  Reject reject;
  set_place(reject, "{\n \"ä\": x", 8);
  EXPECT_EQ(reject.line, 2U);
  EXPECT_EQ(reject.column, 6U) << "in characters";
  EXPECT_EQ(reject.offset, 8U);
}

}  // namespace
}  // namespace jcn
