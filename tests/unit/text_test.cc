#include "text.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "corpora.h"
#include "jcn/canonical.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

using Words = std::vector<std::string>;
using Random = std::independent_bits_engine<std::mt19937, 32, std::uint32_t>;

Words words(std::string_view text) {
  Words out;
  for (Tokens tokens(text); tokens.next();) out.emplace_back(tokens.token());
  return out;
}

// Tokens with a + between those that no white space parts, a space between others.
std::string joined(std::string_view text) {
  std::string out;
  for (Tokens tokens(text); tokens.next();) {
    if (tokens.joined()) {
      out += '+';
    } else if (!out.empty()) {
      out += ' ';
    }
    out += tokens.token();
  }
  return out;
}

std::string normalized(const std::string& text, utf8proc_option_t form) {
  utf8proc_uint8_t* out = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &out, form);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, &std::free);
  EXPECT_GE(size, 0);
  return {reinterpret_cast<const char*>(out), static_cast<std::size_t>(size)};
}

std::string composed(const std::string& text) {
  return normalized(text, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
}
std::string decomposed(const std::string& text) {
  return normalized(text, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
}

// The tokens are those that SQLite 3.40.1 gives (fts5vocab, unicode61 with remove_diacritics 2).
TEST(Text, TokensAreThoseOfUnicode61) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, Words>>{
           {"Hello, World!", {"hello", "world"}},
           {"The quick brown-fox's tail", {"the", "quick", "brown", "fox", "s", "tail"}},
           {"node.js & C++17", {"node", "js", "c", "17"}},
           {"PyCon DE 2019: Wölfe, naïve CAFÉ", {"pycon", "de", "2019", "wolfe", "naive", "cafe"}},
           {"résumé RÉSUMÉ re\u0301sume\u0301", {"resume", "resume", "resume"}},
           {"Ångström, Øresund, Łódź, Đurić", {"angstrom", "øresund", "łodz", "đuric"}},
           {"İstanbul ıspanak", {"istanbul", "ıspanak"}},
           {"Việt Nam, Trịnh Công Sơn", {"viet", "nam", "trinh", "cong", "son"}},
           {"snake_case camelCase x86_64", {"snake", "case", "camelcase", "x86", "64"}},
           {"it's 5pm\u2014don't", {"it", "s", "5pm", "don", "t"}},
           {"Ærøskøbing cœur", {"ærøskøbing", "cœur"}},
           {"1,234.56 0x1F 10e5", {"1", "234", "56", "0x1f", "10e5"}},
           {"http://a.b/c?d=e#f", {"http", "a", "b", "c", "d", "e", "f"}},
           {"Žluťoučký kůň", {"zlutoucky", "kun"}},
           {"Привет, МИР", {"привет", "мир"}},
           {"שלום עולם", {"שלום", "עולם"}},
           {"مرحبا بالعالم", {"مرحبا", "بالعالم"}},
           {"Հայերեն ქართული", {"հայերեն", "ქართული"}},
           {"«guillemets» “quotes” …", {"guillemets", "quotes"}},
           {"Foo™ © 2020 ®", {"foo", "2020"}},
           {"\ue000 private", {"\ue000", "private"}},
           {"a\u0300\u0301\u0302b", {"ab"}},
           {"tab\tnew\nline\u00a0nbsp\u2003em", {"tab", "new", "line", "nbsp", "em"}},
           {"", {}},
           {" \t.,;\u2014\u0301 ", {}}}) {
    EXPECT_EQ(words(text), expected) << text;
  }
}

// What unicode61 does not do.
TEST(Text, TokensAreFoldedFurther) {
  EXPECT_EQ(words("Straße ẞ"), (Words{"strasse", "ss"}));
  EXPECT_EQ(words("satisﬁes ²x 3ª Ａ１ 𝐁𝕔 ǅ"), (Words{"satisfies", "2x", "3a", "a1", "bc", "dz"}));
  EXPECT_EQ(words("Σίσυφος ΣΊΣΥΦΟΣ τῷ ᾼ"), (Words{"σισυφοσ", "σισυφοσ", "τω", "α"}));
  EXPECT_EQ(words("Ёлка Щёлково"), (Words{"елка", "щелково"}));
  EXPECT_EQ(words("½ 1⁄2"), (Words{"1", "2", "1", "2"}));
  EXPECT_EQ(words("parŀlel"), (Words{"parl", "lel"}));
  EXPECT_EQ(words("soft\u00adhyphen zero\u200bwidth a\u200db"),
            (Words{"softhyphen", "zero", "width", "ab"}));
  // Marks of other scripts stay, and part no words.
  EXPECT_EQ(words("हिन्दी भाषा"), (Words{"हिन्दी", "भाषा"}));
  EXPECT_EQ(words("العَرَبِيَّة"), (Words{"العَرَبِيَّة"}));
  EXPECT_EQ(words("שָׁלוֹם"), words(decomposed("שָׁלוֹם")));
  // What is no letter separates, whatever it would fold to.
  EXPECT_EQ(words("5㎏ foo™bar ℃x 1️⃣ 🙂y"), (Words{"5", "foo", "bar", "x", "1", "y"}));
}

TEST(Text, ChineseJapaneseKoreanCharactersStandAlone) {
  EXPECT_EQ(joined("日本語入門"), "日+本+語+入+門");
  EXPECT_EQ(joined("Python入門abc"), "python+入+門+abc");
  EXPECT_EQ(joined("한국어 각\u1100\u1161"), "한+국+어 각+가");
  EXPECT_EQ(joined("ガイド カ\u3099 ｶﾞｷ"), "ガ+イ+ド ガ ガ+キ");
  EXPECT_EQ(joined("すごーい、々〆〇"), "す+ご+ー+い+々+〆+〇");
  EXPECT_EQ(joined("\u1112\u1161\u11ab\u1100"), "한+\u1100");
  EXPECT_EQ(joined("𠮷野家 豈"), "𠮷+野+家 豈");
  EXPECT_EQ(joined("日\ufe0f本\u3000語"), "日+本 語");
}

TEST(Text, WhiteSpaceParts) {
  EXPECT_EQ(joined("node.js a b\u2028c\u3000d\u00a0e\u2009f\u0085g"), "node+js a b c d e f g");
  EXPECT_EQ(joined(". a.- b"), "a b");
  EXPECT_EQ(joined("a\xff"
                   "b\xe3\x80 c\xc3"),
            "a+b c");
  EXPECT_EQ(joined("x½y"), "x1+2y");
}

TEST(Text, IllFormedBytesSeparate) {
  EXPECT_EQ(words("ab\xffgh\xc3(\xe2\x82z\xf0\x9f"), (Words{"ab", "gh", "z"}));
  EXPECT_EQ(words("\xed\xa0\x80x\xc0\xaf"), Words{"x"});
  EXPECT_EQ(words("日\xe6\x9c"), Words{"日"});
}

TEST(Text, LongWordsAreCutAtACharacter) {
  const std::string a63(63, 'A'), low63(63, 'a');
  EXPECT_EQ(words(a63 + "bcd e"), (Words{low63 + "b", "e"}));
  EXPECT_EQ(words(a63 + "éd e"), (Words{low63 + "e", "e"}));
  // A character that has no room ends the token, though a later one would have.
  EXPECT_EQ(words(a63 + "жb e"), (Words{low63, "e"}));
  EXPECT_EQ(words(a63 + "हb e"), (Words{low63, "e"}));
  EXPECT_EQ(words(std::string(1'000'000, 'x')), Words{std::string(64, 'x')});
  std::string marks = "ह";
  for (int i = 0; i < 1000; ++i) marks += "\u0301\u093c";
  const Words noise = words(marks + " b");
  ASSERT_EQ(noise.size(), 2U);
  EXPECT_LE(noise[0].size(), longest_token);
  EXPECT_EQ(utf8_count(noise[0]) > 10 && find_invalid_utf8(noise[0]) == std::string::npos, true);
  EXPECT_EQ(noise[1], "b");
}

// Letters of many kinds with what may stand between and behind them.
std::string random_text(Random& random) {
  static const std::vector<std::string> parts = {"a",
                                                 "Z",
                                                 "9",
                                                 "é",
                                                 "É",
                                                 "e\u0301",
                                                 "ñ",
                                                 "ß",
                                                 "ŀ",
                                                 "ſ",
                                                 "ǆ",
                                                 "ệ",
                                                 "e\u0323\u0302",
                                                 "ı",
                                                 "İ",
                                                 "Ω",
                                                 "ώ",
                                                 "ᾳ",
                                                 "ς",
                                                 "Й",
                                                 "ё",
                                                 "ї",
                                                 "ﬁ",
                                                 "²",
                                                 "ª",
                                                 "½",
                                                 "Ⅷ",
                                                 "Ａ",
                                                 "𝐚",
                                                 "ʰ",
                                                 "日",
                                                 "﨑",
                                                 "が",
                                                 "か\u3099",
                                                 "ｶﾞ",
                                                 "ﾊﾟ",
                                                 "ガ",
                                                 "ー",
                                                 "각",
                                                 "\u1100\u1161\u11a8",
                                                 "가\u11a8",
                                                 "ㅎ",
                                                 "ᄒ",
                                                 "ᅡ",
                                                 "ᆫ",
                                                 "ह",
                                                 "िन",
                                                 "क\u093c",
                                                 "ড়",
                                                 "ோ",
                                                 "ொ\u0bbe",
                                                 "ل",
                                                 "\u064e\u0651",
                                                 "שׁ",
                                                 "ת",
                                                 "ไท",
                                                 "ำ",
                                                 "မြ",
                                                 "\u0301",
                                                 "\u0308",
                                                 "\u0323",
                                                 "\u3099",
                                                 "\u0345",
                                                 "\u00ad",
                                                 "\u200d",
                                                 "\ufe0f",
                                                 "\u20e3",
                                                 " ",
                                                 " ",
                                                 ".",
                                                 "-",
                                                 "\u3000",
                                                 "\u2014",
                                                 "\n",
                                                 "\u200b",
                                                 "\ue000",
                                                 "🙂",
                                                 "ﷺ",
                                                 "٣",
                                                 "๓"};
  std::string out;
  for (std::size_t i = random() % 12; i > 0; --i) out += parts[random() % parts.size()];
  return out;
}

TEST(Text, NormalFormsOfATextHaveTheSameTokens) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = random_text(random);
    const std::string expected = joined(text);
    ASSERT_EQ(joined(composed(text)), expected) << json_quote(text);
    ASSERT_EQ(joined(decomposed(text)), expected) << json_quote(text);
  }
}

TEST(Text, TokensAreTheirOwnTokens) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  std::size_t count = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = random_text(random) + random_text(random);
    for (const std::string& word : words(text)) {
      ++count;
      ASSERT_LE(word.size(), longest_token);
      ASSERT_EQ(find_invalid_utf8(word), std::string::npos);
      ASSERT_EQ(words(word), Words{word}) << json_quote(text);
      ASSERT_EQ(words("x " + word + " y"), (Words{"x", word, "y"})) << json_quote(text);
    }
  }
  EXPECT_GT(count, 100'000U);
}

TEST(Text, ForeignBytesAreReadWithinBounds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = random_text(random);
    for (std::size_t j = random() % 4; j > 0 && !text.empty(); --j) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    text.resize(random() % 2 ? text.size() : random() % (text.size() + 1));
    const std::vector<char> exact(text.begin(), text.end());
    std::size_t behind = 0;
    for (Tokens tokens({exact.data(), exact.size()}); tokens.next();) {
      ASSERT_FALSE(tokens.token().empty());
      ASSERT_EQ(find_invalid_utf8(tokens.token()), std::string::npos);
      ASSERT_LE(behind, tokens.at());
      behind = tokens.at();
    }
    ASSERT_LE(behind, exact.size());
  }
}

// Strings that have broken programs before.
TEST(Text, NaughtyStrings) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const std::string list = file_bytes(folder / "strings" / "blns.json");
  std::size_t count = 0;
  for (std::size_t at = 0; (at = list.find('"', at)) != std::string::npos;) {
    std::size_t end = at + 1;
    while (list[end] != '"') end += list[end] == '\\' ? 2 : 1;
    const std::string text = json_unquote(list.substr(at, end + 1 - at));
    at = end + 1;
    if (find_invalid_utf8(text) != std::string::npos) continue;
    ++count;
    const Words found = words(text);
    EXPECT_EQ(words(composed(text)), found) << text;
    EXPECT_EQ(words(decomposed(text)), found) << text;
    for (const std::string& word : found) EXPECT_EQ(words(word), Words{word});
  }
  EXPECT_GT(count, 300U);
}

using Phrases = std::vector<SearchPhrase>;

TEST(TextSearch, WhiteSpaceSeparatesAndQuotesJoin) {
  EXPECT_EQ(parse_search("Hello  wörld"), (Phrases{{{"hello"}}, {{"world"}}}));
  EXPECT_EQ(parse_search("\"data science\" python"),
            (Phrases{{{"data", "science"}}, {{"python"}}}));
  EXPECT_EQ(parse_search("\"never closed again"), (Phrases{{{"never", "closed", "again"}}}));
  EXPECT_EQ(parse_search("a\"b c\"d"), (Phrases{{{"a"}}, {{"b", "c"}}, {{"d"}}}));
  EXPECT_EQ(parse_search("node.js 日本 x\u3000y"),
            (Phrases{{{"node", "js"}}, {{"日", "本"}}, {{"x"}}, {{"y"}}}));
  EXPECT_EQ(parse_search(""), Phrases{});
  EXPECT_EQ(parse_search(" \"\" -- \" . \" *"), Phrases{});
}

TEST(TextSearch, AStarMakesAPrefix) {
  EXPECT_EQ(parse_search("pyth* on"), (Phrases{{{"pyth"}, true}, {{"on"}}}));
  EXPECT_EQ(parse_search("on pyth*"), (Phrases{{{"on"}}, {{"pyth"}, true}}));
  EXPECT_EQ(parse_search("node.j*"), (Phrases{{{"node", "j"}, true}}));
  EXPECT_EQ(parse_search("\"data sci\"* x"), (Phrases{{{"data", "sci"}, true}, {{"x"}}}));
  EXPECT_EQ(parse_search("caf\u00e9*\u3000x"), (Phrases{{{"cafe"}, true}, {{"x"}}}));
  EXPECT_EQ(parse_search("日本*"), (Phrases{{{"日", "本"}, true}}));
  // Only right behind a word, and its end.
  EXPECT_EQ(parse_search("a *b c-* d*e"), (Phrases{{{"a"}}, {{"b"}}, {{"c"}}, {{"d", "e"}}}));
  EXPECT_EQ(parse_search("\"a b*\""), (Phrases{{{"a", "b"}}}));
}

TEST(TextSearch, PhrasesAreCounted) {
  const auto count = [](std::string_view text, std::string_view search) {
    const Phrases phrases = parse_search(search);
    EXPECT_EQ(phrases.size(), 1U);
    return count_phrase(text, phrases.at(0));
  };
  EXPECT_EQ(count("Data, data DATÁ databases", "data"), 3U);
  EXPECT_EQ(count("Data, data DATÁ databases", "data*"), 4U);
  EXPECT_EQ(count("a big data science data-science", "\"data science\""), 2U);
  EXPECT_EQ(count("data scientists, data science", "\"data sci\"*"), 2U);
  EXPECT_EQ(count("a a a a", "\"a a\""), 3U);
  EXPECT_EQ(count("a b a b a", "\"a b a\""), 2U);
  EXPECT_EQ(count("ab ab abc ab", "\"ab ab\"*"), 2U);
  EXPECT_EQ(count("東京都と京都", "京都"), 2U);
  EXPECT_EQ(count("", "a"), 0U);
  EXPECT_EQ(count_phrase("a", SearchPhrase()), 0U);
}

// Beside the plain way: each place of the text tried.
TEST(TextSearch, PhrasesAreCountedAsOneByOne) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto words_of = [&](std::size_t most) {
    std::vector<std::string> words(1 + random() % most);
    for (std::string& word : words) word = std::string(1 + random() % 2, random() % 3 ? 'a' : 'b');
    return words;
  };
  const auto joined = [](const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += word + ' ';
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::vector<std::string> text = words_of(40), phrase = words_of(6);
    const bool prefix = random() % 2 != 0;
    std::uint32_t expected = 0;
    for (std::size_t at = 0; at + phrase.size() <= text.size(); ++at) {
      bool there = true;
      for (std::size_t j = 0; j < phrase.size(); ++j) {
        const bool last = prefix && j + 1 == phrase.size();
        there = there && (last ? text[at + j].starts_with(phrase[j]) : text[at + j] == phrase[j]);
      }
      expected += there ? 1 : 0;
    }
    ASSERT_EQ(count_phrase(joined(text), {phrase, prefix}), expected)
        << joined(text) << "/ " << joined(phrase) << prefix;
  }
}

// What was cut out of a text at white space is found in it.
TEST(TextSearch, PiecesOfATextAreFound) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  int searched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string before = random_text(random), piece = random_text(random);
    if (piece.find('"') != std::string::npos) continue;
    const Phrases phrases = parse_search('"' + piece + '"');
    if (phrases.empty()) continue;
    ++searched;
    ASSERT_GE(count_phrase(before + " " + piece + " " + before, phrases.at(0)), 1U)
        << json_quote(piece);
    for (const SearchPhrase& phrase : parse_search(piece)) {
      ASSERT_GE(count_phrase(piece, phrase), 1U) << json_quote(piece);
    }
  }
  EXPECT_GT(searched, 10'000);
}

}  // namespace
}  // namespace jcn
