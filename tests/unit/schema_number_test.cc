#include "schema_number.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace jcn {
namespace {

TEST(SchemaNumber, AgreesWithIntegers) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t divisor = random() % (i % 2 ? 1'000'000'000'000'000'000 : 1000) + 1;
    const std::uint64_t number = random() % (i % 3 ? 10'000 : 1'000'000'000'000'000'000);
    const std::uint64_t places = random() % 5;
    const std::string exponent = "e-" + std::to_string(places);
    const auto read = read_divisor(std::to_string(divisor) + exponent);
    ASSERT_TRUE(read) << divisor;
    const std::string text = "-" + std::to_string(number) + exponent;
    EXPECT_EQ(is_multiple(text, *read), number % divisor == 0) << text << " of " << divisor;
    std::uint64_t power = 1;
    for (std::uint64_t p = 0; p < places; ++p) power *= 10;
    EXPECT_EQ(is_integer(text), number % power == 0) << text;
    EXPECT_EQ(read_count(std::to_string(number) + "0e-1"), number);
  }
}

TEST(SchemaNumber, KnowsItsEdges) {
  EXPECT_EQ(read_count("2.0"), 2U);
  EXPECT_EQ(read_count("2e3"), 2000U);
  EXPECT_EQ(read_count("-0"), 0U);
  EXPECT_EQ(read_count("2.5"), std::nullopt);
  EXPECT_EQ(read_count("-1"), std::nullopt);
  EXPECT_EQ(read_count("1e99"), ~std::uint64_t{0});
  EXPECT_FALSE(read_divisor("0"));
  EXPECT_FALSE(read_divisor("-2"));
  EXPECT_FALSE(read_divisor("1234567890123456789"));
  EXPECT_TRUE(read_divisor("1234567890123456780"));
  EXPECT_TRUE(is_multiple("1e300", *read_divisor("1e-300")));
  EXPECT_FALSE(is_multiple("1e-300", *read_divisor("1e300")));
  EXPECT_FALSE(is_integer("1e-99999999999999999999999"));
  EXPECT_TRUE(is_integer("0e-99999999999999999999999"));
}

}  // namespace
}  // namespace jcn
