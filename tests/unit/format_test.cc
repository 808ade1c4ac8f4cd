// The worked example of doc/format.md, held against the code.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "search_model.h"

namespace jcn {
namespace {

// Bytes as they stand in the document: pairs of digits with one space between, and maybe, behind
// more spaces, what they mean.
std::string bytes_of_line(std::string_view line) {
  std::string bytes;
  const auto digit = [](char c) { return std::string_view("0123456789abcdef").find(c); };
  for (std::size_t at = 2; at + 2 <= line.size(); at += 3) {
    if (digit(line[at]) > 15 || digit(line[at + 1]) > 15) break;
    bytes += static_cast<char>(digit(line[at]) * 16 + digit(line[at + 1]));
    if (at + 2 < line.size() && line[at + 2] != ' ') break;
  }
  return bytes;
}

// The blocks of the example's segment, by the key's text.
std::map<std::string, std::string> documented_blocks() {
  std::ifstream file(JCN_SOURCE_DIR "/indexer/doc/format.md");
  std::map<std::string, std::string> blocks;
  bool in_example = false;
  std::string* block = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) in_example = line == "### Worked example";
    if (!in_example) continue;
    if (line.starts_with("segments ")) {
      block = &blocks[line.substr(9, 20)];
    } else if (!line.starts_with("  ")) {
      block = nullptr;
    } else if (block) {
      *block += bytes_of_line(line);
    }
  }
  return blocks;
}

std::string hex(std::string_view bytes) {
  std::ostringstream out;
  for (const char byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    out << digits[value / 16] << digits[value % 16] << ' ';
  }
  return out.str();
}

TEST(Format, WorkedExampleIsWhatTheCodeWrites) {
  Record record;
  record.key = {"videos", "abc"};
  record.seq = 300;
  record.document = "{\"t\":1}";
  record.rev = hash128(record.document);
  record.fragments = {{{"up", "abc.json"}, 7, 5, false}};

  MemoryBlocks blocks;
  SegmentBuilder segment(0, into(blocks));
  SearchBuilder search;
  search.add("videos", 0, record.document, record.created_ns(), record.updated_ns());
  must(segment.add(record_key_bytes(record.key), encode_entry(record)));
  must(segment.finish());
  must(search.write(into(blocks), segment.key_begins()));

  std::map<std::string, std::string> written;
  for (std::uint8_t number = 1; number <= last_known_section; ++number) {
    for (std::string block : blocks.blocks(static_cast<Section>(number))) {
      seal(block);
      written["00000001 0" + std::to_string(number) + " 00000000"] = hex(block);
    }
  }
  std::map<std::string, std::string> documented;
  for (const auto& [key, bytes] : documented_blocks()) documented[key] = hex(bytes);
  EXPECT_EQ(documented, written);
}

}  // namespace
}  // namespace jcn
