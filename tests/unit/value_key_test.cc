#include "value_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/rules.h"

namespace jcn {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out += ' ';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

int order(std::string_view a, std::string_view b) {
  const int sign = a.compare(b);
  return (sign > 0) - (sign < 0);
}

std::string json_of(std::string_view scalar) {
  return key_json(value_key(scalar)).value_or("none");
}

// Whether the keys themselves tell the order of the values.
bool keys_tell(std::string_view a, std::string_view b) {
  return !(is_cut(a) || is_cut(b)) || key_beginning(a) != key_beginning(b);
}

TEST(ValueKey, BytesAreThoseOfTheFormat) {
  EXPECT_EQ(hex(value_key("null")), "10");
  EXPECT_EQ(hex(value_key("false")), "20");
  EXPECT_EQ(hex(value_key("true")), "21");
  EXPECT_EQ(hex(value_key("0")), "30 80");
  EXPECT_EQ(hex(value_key("5")), "30 c1 64");
  EXPECT_EQ(hex(value_key("600")), "30 c3 78");
  EXPECT_EQ(hex(value_key("2016")), "30 c4 29 20");
  EXPECT_EQ(hex(value_key("-1.5")), "30 3e e1");
  EXPECT_EQ(hex(value_key("1e70")), "30 ff 00 00 00 00 00 00 00 47 14");
  EXPECT_EQ(hex(value_key("1e-70")), "30 81 0d e0 b6 b3 a7 63 ff bb 14");
  EXPECT_EQ(hex(value_key(R"("a\nb")")), "40 61 0a 62");
  EXPECT_EQ(hex(value_key(R"("")")), "40");
  EXPECT_EQ(hex(marker_key(KeyType::present)), "01");
  EXPECT_EQ(hex(marker_key(KeyType::array)), "02");
  EXPECT_EQ(hex(marker_key(KeyType::object)), "03");
}

TEST(ValueKey, EqualNumbersHaveOneKey) {
  for (const auto& same : std::vector<std::vector<const char*>>{
           {"0", "-0", "0.0", "-0.0", "0e9", "0e-999999999999999999999", "0.000E+5"},
           {"100", "1e2", "100.0", "1E+2", "0.1e3", "1000e-1", "1e0000000000000000000000002"},
           {"-12.5", "-1.25e1", "-125E-1", "-12.50", "-0.00125e4"},
           {"1e-400", "0.1e-399", "10e-401"},
           {"1e-99999999999999999999", "10e-100000000000000000000", "0.1e-99999999999999999998"},
           {"1e999999999999999998", "0.1e999999999999999999", "0.01e1000000000000000000"},
           {"1e999999999999999999", "0.1e1000000000000000000", "10e999999999999999998"},
           {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "1."
            "2345678901234567890123456789012345678901234567890123456789012345678901234567890e7"
            "9"}}) {
    for (const char* text : same) {
      EXPECT_EQ(hex(value_key(text)), hex(value_key(same[0]))) << text << " " << same[0];
    }
  }
  EXPECT_NE(value_key("64176294690080990"), value_key("64176294690080991"));
}

TEST(ValueKey, JsonIsShort) {
  for (const auto& [text, json] : std::vector<std::pair<const char*, const char*>>{
           {"-0", "0"},
           {"1e2", "100"},
           {"1.50", "1.5"},
           {"-12.0", "-12"},
           {"1e20", "100000000000000000000"},
           {"1e21", "1e+21"},
           {"1e300", "1e+300"},
           {"-15e299", "-1.5e+300"},
           {"123456789012345678901234567890", "123456789012345678901234567890"},
           {"123456789012345678901234560000", "123456789012345678901234560000"},
           {"123456789012345678901234500000", "1.234567890123456789012345e+29"},
           {"1234567890123456789012345.5", "1234567890123456789012345.5"},
           {"0.000001", "0.000001"},
           {"0.0000001", "1e-7"},
           {"0.00000012", "1.2e-7"},
           {"1e-400", "1e-400"},
           {"64176294690080990", "64176294690080990"},
           {"true", "true"},
           {"null", "null"},
           {R"("a\"\u0001")", R"("a\"\u0001")"}}) {
    EXPECT_EQ(json_of(text), json) << text;
  }
  for (const KeyType type : {KeyType::present, KeyType::array, KeyType::object}) {
    EXPECT_FALSE(key_json(marker_key(type)));
  }
}

TEST(ValueKey, LongStringsAreCutBehindTheirBeginning) {
  const std::string whole(96, 'x'), longer(97, 'x'), other = longer + "y";
  EXPECT_FALSE(is_cut(string_key(whole)));
  EXPECT_EQ(key_string(string_key(whole)), whole);
  const std::string key = string_key(longer);
  EXPECT_TRUE(is_cut(key));
  EXPECT_EQ(key.size(), 50U);
  EXPECT_FALSE(key_json(key));
  EXPECT_FALSE(key_string(key));
  EXPECT_NE(key, string_key(other));
  EXPECT_EQ(key, value_key(json_quote(longer)));
  EXPECT_EQ(key_beginning(key), string_key(std::string(32, 'x')));
  EXPECT_EQ(key_beginning(string_key(whole)), key_beginning(key));
  EXPECT_EQ(key_beginning(string_key("xx")), string_key("xx"));
  // What is cut is the text, not its quoted form.
  const std::string escaped = "\"" + std::string(96, 'x') + "\\n\"";
  EXPECT_EQ(value_key(escaped), string_key(std::string(96, 'x') + "\n"));
  EXPECT_FALSE(is_cut(value_key("\"" + std::string(95, 'x') + "\\n\"")));
}

TEST(ValueKey, LongNumbersAreCutBehindTheirBeginning) {
  const std::string digits60(60, '7'), digits61(61, '7');
  EXPECT_FALSE(is_cut(value_key(digits60)));
  EXPECT_EQ(json_of(digits60), digits60);
  EXPECT_FALSE(is_cut(value_key(digits60 + std::string(200, '0'))));
  for (const std::string sign : {"", "-"}) {
    for (const std::string exponent : {"", "e200", "e-500"}) {
      const std::string key = value_key(sign + digits61 + exponent);
      EXPECT_TRUE(is_cut(key));
      EXPECT_FALSE(key_json(key));
      EXPECT_LE(key.size(), longest_value_key);
      const std::string near = value_key(sign + std::string(60, '7') + "8" + exponent);
      EXPECT_NE(key, near);
      EXPECT_EQ(key_beginning(key), key_beginning(near));
      EXPECT_TRUE(key.starts_with(key_beginning(key)));
      const std::string whole =
          value_key(sign + std::string(40, '7') + std::string(21, '0') + exponent);
      EXPECT_FALSE(is_cut(whole));
      EXPECT_EQ(key_beginning(whole), key_beginning(key));
      // All of 32 digits or fewer is told apart by its key.
      const std::string brief =
          value_key(sign + std::string(32, '7') + std::string(29, '0') + exponent);
      EXPECT_NE(key_beginning(brief), key_beginning(key));
      EXPECT_EQ(order(brief, key), sign.empty() ? -1 : 1);
    }
  }
}

// Numbers as they can be written, from k × 10^e.
class NumberSource {
 public:
  explicit NumberSource(unsigned seed) : random_(seed) {}
  std::mt19937& random() { return random_; }
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string digits(std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
      out += static_cast<char>('0' + below(below(2) ? 2 : 10));
    return out;
  }

  // The digits with the point somewhere in them or outside, an exponent making up for it.
  std::string spell(bool negative, std::string digits, std::int64_t exponent) {
    digits.insert(0, below(4), '0');
    const std::size_t zeros = below(4);
    digits.append(zeros, '0');
    exponent -= static_cast<std::int64_t>(zeros);
    const std::size_t point = below(digits.size() + 1);
    std::string whole = digits.substr(0, point), fraction = digits.substr(point);
    exponent += static_cast<std::int64_t>(fraction.size());
    const std::size_t first = whole.find_first_not_of('0');
    whole = first == whole.npos ? "0" : whole.substr(first);
    std::string out = negative ? "-" : "";
    out += whole;
    if (!fraction.empty()) out += '.' + fraction;
    if (exponent != 0 || below(4) == 0) {
      out += below(2) ? 'e' : 'E';
      out += exponent < 0 ? "-" : below(2) ? "+" : "";
      out.append(below(3), '0');
      out += std::to_string(exponent < 0 ? -exponent : exponent);
    }
    return out;
  }

  std::string number() {
    static constexpr std::size_t lengths[] = {1, 1, 2, 3, 5, 18, 19, 31, 32, 33, 59, 60, 61, 80};
    static constexpr std::int64_t reaches[] = {1, 3, 60, 70, 400, 1'000'000'000'000'000'001};
    const std::int64_t reach = reaches[below(std::size(reaches))];
    // At the end of what is reached, where forms change, as often as anywhere.
    const std::int64_t exponent =
        below(2) ? static_cast<std::int64_t>(below(static_cast<std::size_t>(reach))) : reach;
    return spell(below(2) == 0, digits(lengths[below(std::size(lengths))]),
                 below(2) ? exponent : -exponent);
  }

  std::string string() {
    static constexpr std::size_t lengths[] = {0, 1, 2, 31, 32, 33, 49, 95, 96, 97, 200};
    std::string text(lengths[below(std::size(lengths))], 'x');
    if (!text.empty() && below(2)) text.pop_back();
    static constexpr const char* letters[] = {"a",    "\n", "\"", "\\",
                                              "\x01", "é",  "日", "\U0001F600"};
    for (std::size_t i = below(3); i > 0; --i) {
      text += letters[below(std::size(letters))];
      text.append(below(3) * 40, 'x');
    }
    return json_quote(text);
  }

  std::string scalar() {
    switch (below(8)) {
      case 0:
        return below(2) ? "true" : "false";
      case 1:
        return "null";
      case 2:
      case 3:
        return string();
      default:
        return number();
    }
  }

 private:
  std::mt19937 random_;
};

TEST(ValueKey, OrderIsThatOfNumbers) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  NumberSource source(seed);
  struct Sample {
    __int128 value;  // in units of 10^-9
    std::string key, text;
  };
  std::vector<Sample> samples;
  for (int i = 0; i < 400; ++i) {
    auto k = static_cast<std::int64_t>(source.below(source.below(2) ? 20 : 1'000'000'000));
    const auto e = static_cast<int>(source.below(19)) - 9;
    __int128 value = k;
    for (int j = -9; j < e; ++j) value *= 10;
    const bool negative = source.below(2) == 0;
    const std::string text = source.spell(negative, std::to_string(k), e);
    samples.push_back({negative ? -value : value, value_key(text), text});
  }
  for (const Sample& a : samples) {
    for (const Sample& b : samples) {
      ASSERT_EQ(order(a.key, b.key), (a.value > b.value) - (a.value < b.value))
          << a.text << " " << b.text;
    }
  }
}

TEST(ValueKey, OrderIsThatOfValues) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  NumberSource source(seed);
  int told = 0, untold = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::pair<std::string, std::string>> samples;  // text, key
    for (int i = 0; i < 300; ++i) {
      std::string text = source.scalar();
      std::string key = value_key(text);
      ASSERT_LE(key.size(), longest_value_key);
      ASSERT_TRUE(key.starts_with(key_beginning(key)));
      samples.emplace_back(std::move(text), std::move(key));
    }
    for (const auto& [a, key_a] : samples) {
      for (const auto& [b, key_b] : samples) {
        const int expected = compare_values(a, b);
        ASSERT_EQ(key_a == key_b, expected == 0) << a << " " << b;
        if (keys_tell(key_a, key_b)) {
          ASSERT_EQ(order(key_a, key_b), expected) << a << " " << b << "\n"
                                                   << hex(key_a) << "\n"
                                                   << hex(key_b);
          ++told;
        } else if (expected != 0) {
          ++untold;
        }
      }
    }
  }
  EXPECT_GT(told, 100'000);
  EXPECT_GT(untold, 1'000);
}

// A range of keys is what sorting looks through: what lies between two keys with one beginning has
// that beginning, too.
TEST(ValueKey, KeysOfOneBeginningLieTogether) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  NumberSource source(seed);
  std::vector<std::string> keys;
  for (int i = 0; i < 3000; ++i) keys.push_back(value_key(source.scalar()));
  std::sort(keys.begin(), keys.end());
  for (const std::string& key : keys) {
    const std::string beginning(key_beginning(key));
    const auto first = std::lower_bound(keys.begin(), keys.end(), beginning);
    for (auto it = first; it != keys.end() && it->starts_with(beginning); ++it) {
      // Whole keys may be a beginning of others; a cut one's beginning is shared.
      if (is_cut(key) && it->size() > beginning.size()) {
        EXPECT_EQ(key_beginning(*it), beginning);
      }
    }
  }
}

TEST(ValueKey, JsonGivesTheKeyAgain) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  NumberSource source(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = source.scalar();
    const std::string key = value_key(text);
    const auto json = key_json(key);
    ASSERT_EQ(json.has_value(), !is_cut(key)) << text;
    if (!json) continue;
    ASSERT_EQ(hex(value_key(*json)), hex(key)) << text << " " << *json;
    ASSERT_EQ(compare_values(*json, text), 0) << text << " " << *json;
    // Exponents are refused above 308, and so may be written out only to be compared.
    const auto checked = check_json("[" + *json + "]", Limits());
    if (const auto* reject = std::get_if<Reject>(&checked)) {
      ASSERT_EQ(reject->code, Code::number_out_of_range) << *json;
    } else {
      ASSERT_EQ(std::get<std::string>(checked), "[" + *json + "]");
    }
  }
}

TEST(ValueKey, ForeignBytesAreReadWithinBounds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  NumberSource source(seed);
  int readable = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes;
    if (source.below(2)) {
      bytes = value_key(source.scalar());
      for (std::size_t j = source.below(3); j > 0 && !bytes.empty(); --j) {
        bytes[source.below(bytes.size())] = static_cast<char>(source.random()());
      }
      bytes.resize(source.below(2) ? bytes.size() : source.below(bytes.size() + 1));
    } else {
      static constexpr char types[] = {0x01, 0x10, 0x30, 0x30, 0x40, 0x7f};
      bytes = types[source.below(std::size(types))];
      for (std::size_t j = source.below(30); j > 0; --j)
        bytes += static_cast<char>(source.random()());
    }
    // A copy of just this size, so that a sanitizer sees the first byte too many.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const std::string_view key(exact.data(), exact.size());
    ASSERT_TRUE(key.starts_with(key_beginning(key)));
    const bool cut = is_cut(key);
    if (const auto json = key_json(key)) {
      ++readable;
      ASSERT_FALSE(cut);
      // Numbers have one key each, so that what reads as one is its key.
      ASSERT_EQ(hex(value_key(*json)), hex(key));
    }
  }
  EXPECT_GT(readable, 10'000);
}

}  // namespace
}  // namespace jcn
