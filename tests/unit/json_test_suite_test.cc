// JSONTestSuite (Nicolas Seriot): every y_ case is accepted, every n_ case refused, every i_ case
// gets the verdict that is listed here.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "corpora.h"
#include "jcn/check.h"

namespace jcn {
namespace {

// "accepted" or the code's name.
std::map<std::string, std::string> verdicts(const std::filesystem::path& folder, char group) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "jsontestsuite")) {
    const std::string name = entry.path().filename().string();
    if (name[0] != group) continue;
    const auto checked = check_json(file_bytes(entry.path()), Limits{});
    const auto* reject = std::get_if<Reject>(&checked);
    out[name] = reject ? code_name(reject->code) : "accepted";
  }
  return out;
}

TEST(JsonTestSuite, Accepts) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  // RFC 8259 §4 lets duplicate names be; jcn refuses them on purpose.
  const std::set<std::string> duplicates = {"y_object_duplicated_key.json",
                                            "y_object_duplicated_key_and_value.json"};
  const auto found = verdicts(folder, 'y');
  EXPECT_EQ(found.size(), 95U);
  for (const auto& [name, verdict] : found) {
    EXPECT_EQ(verdict, duplicates.contains(name) ? "duplicate_member" : "accepted") << name;
  }
}

TEST(JsonTestSuite, Refuses) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const auto found = verdicts(folder, 'n');
  EXPECT_EQ(found.size(), 188U);
  for (const auto& [name, verdict] : found) EXPECT_NE(verdict, "accepted") << name;
}

TEST(JsonTestSuite, EitherWay) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const std::map<std::string, std::string> expected = {
      {"i_number_double_huge_neg_exp.json", "accepted"},
      {"i_number_huge_exp.json", "number_out_of_range"},
      {"i_number_neg_int_huge_exp.json", "number_out_of_range"},
      {"i_number_pos_double_huge_exp.json", "number_out_of_range"},
      {"i_number_real_neg_overflow.json", "number_out_of_range"},
      {"i_number_real_pos_overflow.json", "number_out_of_range"},
      {"i_number_real_underflow.json", "accepted"},
      {"i_number_too_big_neg_int.json", "accepted"},
      {"i_number_too_big_pos_int.json", "accepted"},
      {"i_number_very_big_negative_int.json", "accepted"},
      {"i_object_key_lone_2nd_surrogate.json", "lone_surrogate"},
      {"i_string_1st_surrogate_but_2nd_missing.json", "lone_surrogate"},
      {"i_string_1st_valid_surrogate_2nd_invalid.json", "lone_surrogate"},
      {"i_string_UTF-16LE_with_BOM.json", "byte_order_mark"},
      {"i_string_UTF-8_invalid_sequence.json", "invalid_utf8"},
      {"i_string_UTF8_surrogate_U+D800.json", "invalid_utf8"},
      {"i_string_incomplete_surrogate_and_escape_valid.json", "lone_surrogate"},
      {"i_string_incomplete_surrogate_pair.json", "lone_surrogate"},
      {"i_string_incomplete_surrogates_escape_valid.json", "lone_surrogate"},
      {"i_string_invalid_lonely_surrogate.json", "lone_surrogate"},
      {"i_string_invalid_surrogate.json", "lone_surrogate"},
      {"i_string_invalid_utf-8.json", "invalid_utf8"},
      {"i_string_inverted_surrogates_U+1D11E.json", "lone_surrogate"},
      {"i_string_iso_latin_1.json", "invalid_utf8"},
      {"i_string_lone_second_surrogate.json", "lone_surrogate"},
      {"i_string_lone_utf8_continuation_byte.json", "invalid_utf8"},
      {"i_string_not_in_unicode_range.json", "invalid_utf8"},
      {"i_string_overlong_sequence_2_bytes.json", "invalid_utf8"},
      {"i_string_overlong_sequence_6_bytes.json", "invalid_utf8"},
      {"i_string_overlong_sequence_6_bytes_null.json", "invalid_utf8"},
      {"i_string_truncated-utf-8.json", "invalid_utf8"},
      {"i_string_utf16BE_no_BOM.json", "nul_byte"},
      {"i_string_utf16LE_no_BOM.json", "nul_byte"},
      {"i_structure_500_nested_arrays.json", "too_deep"},
      {"i_structure_UTF-8_BOM_empty_object.json", "byte_order_mark"},
  };
  EXPECT_EQ(verdicts(folder, 'i'), expected);
}

}  // namespace
}  // namespace jcn
