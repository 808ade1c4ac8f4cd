// What one decoder of a segment reads: what it accepts is encoded to bytes that decode to the same.
// Part of fuzz_segment.
#pragma once

#include <string_view>
#include <vector>

// A block in memory of its own size, so that the next byte is nobody's.
using Block = std::vector<char>;

inline Block block_of(std::string_view bytes) {
  return Block(bytes.begin(), bytes.end());
}
inline std::string_view view_of(const Block& block) {
  return {block.data(), block.size()};
}

void fuzz_outline(std::string_view bytes);      // records varint, key blocks varint, the outline
void fuzz_postings(std::string_view bytes);     // range varint, with payloads u8, the list
void fuzz_column(std::string_view bytes);       // places varint, the chunk
void fuzz_front_coded(std::string_view bytes);  // the block
void fuzz_documents(std::string_view bytes);    // head as text, up to three blocks as texts
