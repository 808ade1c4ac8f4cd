#include "segment.h"

#include <algorithm>

namespace jcn {
namespace {

constexpr std::uint8_t entry_exists = 1, entry_compressed = 2, entry_since = 4;
constexpr std::uint8_t fragment_last_good = 1;

Error damaged_segment(const char* what) {
  return damaged(std::string("a segment's ") + what);
}

}  // namespace

Result<std::string_view> MemoryBlocks::block(Section section, std::uint32_t number) {
  const std::vector<std::string>& found = blocks(section);
  if (number >= found.size()) return damaged_segment("block is missing");
  return std::string_view(found[number]);
}

void MemoryBlocks::add(Section section, std::uint32_t number, std::string payload) {
  std::vector<std::string>& to = sections_[static_cast<std::size_t>(section)];
  if (to.size() <= number) to.resize(number + std::size_t{1});
  to[number] = std::move(payload);
}

std::string encode_segment_head(const SegmentHead& head) {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(head.records);
  out.varint(head.dictionary);
  out.varint(head.key_blocks);
  out.varint(head.first_locals.size());
  std::uint32_t before = 0;
  for (const std::uint32_t first : head.first_locals) {
    out.varint(first - before);
    before = first;
  }
  return bytes;
}

std::optional<SegmentHead> decode_segment_head(std::string_view payload) {
  ByteReader in(payload);
  SegmentHead head;
  head.records = in.varint32();
  head.dictionary = in.varint32();
  head.key_blocks = in.varint32();
  const std::uint64_t blocks = in.varint();
  if (blocks > in.left()) return std::nullopt;
  head.first_locals.reserve(static_cast<std::size_t>(blocks));
  std::uint64_t local = 0;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint32_t step = in.varint32();
    local += step;
    if (local >= head.records || (block == 0) != (step == 0)) return std::nullopt;
    head.first_locals.push_back(static_cast<std::uint32_t>(local));
  }
  if (!in.ok() || head.first_locals.empty() != (head.records == 0)) return std::nullopt;
  return head;  // what follows in the block belongs to a later version
}

std::optional<SegmentEntry> decode_entry(std::string_view bytes) {
  ByteReader in(bytes);
  SegmentEntry entry;
  const std::uint8_t flags = in.u8();
  entry.exists = (flags & entry_exists) != 0;
  entry.compressed = (flags & entry_compressed) != 0;
  entry.seq = in.varint();
  if (entry.exists) entry.rev = in.hash();
  if ((flags & entry_since) != 0) entry.since_ns = in.zigzag();
  entry.fragments = in.varint32();
  const std::size_t numbers = in.at();
  for (std::uint32_t i = 0; i < entry.fragments && in.ok(); ++i) {
    in.varint();
    const std::int64_t mtime_ns = in.zigzag();
    in.u8();
    entry.created_ns = i == 0 ? mtime_ns : std::min(entry.created_ns, mtime_ns);
    entry.updated_ns = i == 0 ? mtime_ns : std::max(entry.updated_ns, mtime_ns);
  }
  if (!in.ok()) return std::nullopt;
  entry.numbers = bytes.substr(numbers, in.at() - numbers);
  if (entry.compressed) entry.raw_size = in.varint();
  entry.stored = in.rest();
  if (!in.done()) return std::nullopt;
  if (!entry.compressed) entry.raw_size = entry.stored.size();
  entry.bytes = bytes;
  return entry;
}

std::string encode_entry(const Record& record) {
  std::string bytes;
  bytes.reserve(96 + record.document.size() + 80 * record.fragments.size());
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>((record.exists ? entry_exists : 0) |
                                   (record.since_ns ? entry_since : 0)));
  out.varint(record.seq);
  if (record.exists) out.hash(record.rev);
  if (record.since_ns) out.zigzag(*record.since_ns);
  out.varint(record.fragments.size());
  for (const FragmentInfo& fragment : record.fragments) {
    out.varint(fragment.size);
    out.zigzag(fragment.mtime_ns);
    out.u8(fragment.last_good ? fragment_last_good : std::uint8_t{0});
  }
  for (const FragmentInfo& fragment : record.fragments) {
    out.text(fragment.name.root);
    out.text(fragment.name.path);
  }
  out.raw(record.document);
  return bytes;
}

std::string compress_entry(const SegmentEntry& entry, const Dictionary* dictionary) {
  const std::optional<std::string> smaller = compress(entry.stored, dictionary);
  if (!smaller) return std::string(entry.bytes);
  std::string bytes;
  bytes.reserve(entry.bytes.size() - entry.stored.size() + smaller->size() + 8);
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(entry.bytes[0]) | entry_compressed));
  out.raw(entry.bytes.substr(1, entry.bytes.size() - entry.stored.size() - 1));
  out.varint(entry.stored.size());
  out.raw(*smaller);
  return bytes;
}

std::optional<std::string> entry_strings(const SegmentEntry& entry, const Dictionary* dictionary) {
  if (!entry.compressed) return std::string(entry.stored);
  std::string strings;
  if (!decompress(entry.stored, entry.raw_size, dictionary, strings)) return std::nullopt;
  return strings;
}

std::string with_strings(const SegmentEntry& entry, std::string_view strings) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(entry.bytes[0]) & ~entry_compressed));
  const auto numbers_end =
      static_cast<std::size_t>(entry.numbers.data() - entry.bytes.data()) + entry.numbers.size();
  out.raw(entry.bytes.substr(1, numbers_end - 1));
  out.raw(strings);
  return bytes;
}

std::optional<std::string_view> entry_document(const SegmentEntry& entry) {
  if (entry.compressed) return std::nullopt;
  ByteReader in(entry.stored);
  for (std::uint32_t i = 0; i < entry.fragments && in.ok(); ++i) {
    in.text();  // root
    in.text();  // path
  }
  const std::string_view document = in.rest();
  return in.ok() ? std::optional(document) : std::nullopt;
}

bool unpack_entry(const SegmentEntry& entry, const Dictionary* dictionary, Record& record) {
  std::string unpacked;
  std::string_view strings = entry.stored;
  if (entry.compressed) {
    if (!decompress(entry.stored, entry.raw_size, dictionary, unpacked)) return false;
    strings = unpacked;
  }
  record.seq = entry.seq;
  record.rev = entry.rev;
  record.exists = entry.exists;
  record.since_ns = entry.since_ns;
  ByteReader numbers(entry.numbers);
  ByteReader in(strings);
  record.fragments.clear();
  record.fragments.reserve(std::min<std::size_t>(entry.fragments, strings.size()));
  for (std::uint32_t i = 0; i < entry.fragments; ++i) {
    FragmentInfo info;
    info.size = numbers.varint();
    info.mtime_ns = numbers.zigzag();
    info.last_good = (numbers.u8() & fragment_last_good) != 0;
    info.name.root = in.text();
    info.name.path = in.text();
    if (!in.ok() || !numbers.ok()) return false;
    record.fragments.push_back(std::move(info));
  }
  record.document = in.rest();
  return true;
}

std::optional<std::string_view> entry_in_block(std::string_view payload, std::uint32_t place) {
  // count, then per entry its end, both 32 bits; then the entries.
  ByteReader in(payload);
  const std::uint32_t count = in.u32le();
  if (!in.ok() || place >= count || count > in.left() / 4) return std::nullopt;
  const std::size_t entries = 4 + std::size_t{4} * count;
  const auto end_of = [&](std::uint32_t i) {
    return ByteReader(payload.substr(4 + std::size_t{4} * i, 4)).u32le();
  };
  const std::size_t begin = place == 0 ? 0 : end_of(place - 1);
  const std::size_t end = end_of(place);
  if (begin > end || end > payload.size() - entries) return std::nullopt;
  return payload.substr(entries + begin, end - begin);
}

Result<SegmentEntry> Segment::entry(std::uint32_t local) const {
  if (local >= head_->records) return damaged_segment("local number is beyond its end");
  const auto& firsts = head_->first_locals;
  const auto after = std::upper_bound(firsts.begin(), firsts.end(), local);
  const auto number = static_cast<std::uint32_t>(after - firsts.begin() - 1);
  JCN_TRY(const std::string_view payload, source_->block(Section::documents, number));
  const auto bytes = entry_in_block(payload, local - firsts[number]);
  if (!bytes) return damaged_segment("document block is malformed");
  const auto entry = decode_entry(*bytes);
  if (!entry) return damaged_segment("entry is malformed");
  return *entry;
}

Result<bool> SegmentKeys::next() {
  if (read_ == records_) return false;
  if (reader_.done()) {
    if (block_ == blocks_) return damaged_segment("keys are too few");
    JCN_TRY(const std::string_view payload, source_->block(Section::keys, block_++));
    reader_ = FrontCodedReader(payload);
  }
  if (!reader_.next()) return damaged_segment("key block is malformed");
  ++read_;
  return true;
}

}  // namespace jcn
