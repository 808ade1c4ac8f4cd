// SearchOutline as bytes.
#include <algorithm>

#include "segment_search.h"

namespace jcn {
namespace {

constexpr std::uint8_t field_many = 1;
constexpr std::size_t length_bytes = 4;
// A block of sorted keys has at most 64 KiB, and no key is without bytes of its own.
constexpr std::uint64_t most_keys_per_block = 1 << 16;

void write_piece(ByteWriter& out, const PieceRef& piece) {
  out.varint(piece.length);
  if (piece.length == 0) return;
  out.varint(piece.block);
  out.varint(piece.offset);
}

void write_field(ByteWriter& out, const SegmentField& field) {
  out.text(field.path);
  out.u8(field.many ? field_many : std::uint8_t{0});
  out.varint(field.end_value - field.first_value);
  out.varint(field.column.size());
  for (const PieceRef& piece : field.column) write_piece(out, piece);
}

void write_uses(ByteWriter& out, const WordUses& uses) {
  out.varint(uses.size());
  for (const WordUse& use : uses) {
    out.varint(use.field);
    out.varint(use.count);
  }
}

void write_begins(ByteWriter& out, const std::vector<BlockBegin>& begins) {
  out.varint(begins.size());
  std::uint64_t before = 0;
  for (const BlockBegin& begin : begins) {
    out.varint(begin.first - before);
    out.text(begin.key);
    before = begin.first;
  }
}

// Counts are never trusted: what a loop makes, it has read bytes for.
class OutlineDecoder {
 public:
  explicit OutlineDecoder(std::string_view bytes) : in_(bytes) {}

  std::optional<SearchOutline> run(const SegmentHead& head) {
    const bool well_formed = kinds() && fields() && uses() &&
                             begins(outline_.key_blocks, outline_.records()) &&
                             begins(outline_.value_blocks, outline_.values());
    if (!well_formed || outline_.records() != head.records ||
        outline_.key_blocks.size() != head.key_blocks) {
      return std::nullopt;
    }
    return std::move(outline_);  // what follows belongs to a later version
  }

 private:
  bool kinds() {
    std::uint64_t records = 0, fields = 0;
    for (std::uint64_t left = in_.varint(); left > 0 && in_.ok(); --left) {
      SegmentKind kind;
      kind.name = in_.text();
      kind.first = static_cast<std::uint32_t>(records);
      records += in_.varint32();
      kind.first_field = static_cast<std::uint32_t>(fields);
      fields += in_.varint32();
      kind.tokens = in_.varint();
      const bool in_order = outline_.kinds.empty() || outline_.kinds.back().name < kind.name;
      if (!in_order || records <= kind.first || records > UINT32_MAX || fields > in_.left()) {
        return false;
      }
      kind.end = static_cast<std::uint32_t>(records);
      kind.end_field = static_cast<std::uint32_t>(fields);
      outline_.kinds.push_back(std::move(kind));
    }
    return in_.ok();
  }

  bool fields() {
    std::uint64_t values = 0;
    for (std::uint32_t kind = 0; kind < outline_.kinds.size(); ++kind) {
      const SegmentKind& its = outline_.kinds[kind];
      for (std::uint32_t number = its.first_field; number < its.end_field; ++number) {
        SegmentField field;
        field.kind = kind;
        field.first_value = values;
        if (!read_field(field, its.end - its.first)) return false;
        values = field.end_value;
        const bool in_order = number == its.first_field || outline_.fields.back().path < field.path;
        if (!in_order) return false;
        outline_.fields.push_back(std::move(field));
      }
    }
    return true;
  }

  bool read_field(SegmentField& field, std::uint32_t places) {
    field.path = in_.text();
    field.many = (in_.u8() & field_many) != 0;
    const std::uint64_t values = in_.varint();
    field.end_value = field.first_value + values;
    const std::uint64_t chunks = in_.varint();
    if (!in_.ok() || values == 0 || field.end_value < field.first_value) return false;
    if (chunks > (std::uint64_t{places} + column_chunk - 1) / column_chunk || chunks > in_.left()) {
      return false;
    }
    field.column.resize(static_cast<std::size_t>(chunks));
    for (PieceRef& piece : field.column) {
      piece.length = in_.varint32();
      if (piece.length == 0) continue;
      piece.block = in_.varint32();
      piece.offset = in_.varint32();
    }
    return in_.ok();
  }

  bool uses() {
    for (std::uint64_t left = in_.varint(); left > 0 && in_.ok(); --left) {
      WordUses uses;
      std::uint64_t next_field = 0;
      for (std::uint64_t n = in_.varint(); n > 0; --n) {
        WordUse use;
        use.field = in_.varint32();
        use.count = in_.varint32();
        if (!in_.ok() || use.field < next_field || use.field >= outline_.fields.size()) {
          return false;
        }
        next_field = std::uint64_t{use.field} + 1;
        uses.push_back(use);
      }
      outline_.uses.push_back(std::move(uses));
    }
    return in_.ok();
  }

  // `total`: how many keys all blocks have.
  bool begins(std::vector<BlockBegin>& begins, std::uint64_t total) {
    std::uint64_t first = 0;
    for (std::uint64_t left = in_.varint(); left > 0 && in_.ok(); --left) {
      const std::uint64_t step = in_.varint();
      if (begins.empty() != (step == 0) || step >= total - first) return false;
      first += step;
      begins.push_back({first, std::string(in_.text())});
    }
    return in_.ok() && begins.empty() == (total == 0) &&
           total <= begins.size() * most_keys_per_block;
  }

  ByteReader in_;
  SearchOutline outline_;
};

}  // namespace

std::string encode_outline(const SearchOutline& outline) {
  std::string bytes(length_bytes, '\0');
  ByteWriter out(bytes);
  out.varint(outline.kinds.size());
  for (const SegmentKind& kind : outline.kinds) {
    out.text(kind.name);
    out.varint(kind.end - kind.first);
    out.varint(kind.end_field - kind.first_field);
    out.varint(kind.tokens);
  }
  for (const SegmentField& field : outline.fields) write_field(out, field);
  out.varint(outline.uses.size());
  for (const WordUses& uses : outline.uses) write_uses(out, uses);
  write_begins(out, outline.key_blocks);
  write_begins(out, outline.value_blocks);
  std::string length;
  ByteWriter(length).u32le(static_cast<std::uint32_t>(bytes.size() - length_bytes));
  return bytes.replace(0, length_bytes, length);
}

std::optional<SearchOutline> decode_outline(std::string_view bytes, const SegmentHead& head) {
  if (bytes.size() < length_bytes || ByteReader(bytes).u32le() != bytes.size() - length_bytes) {
    return std::nullopt;
  }
  return OutlineDecoder(bytes.substr(length_bytes)).run(head);
}

Result<std::shared_ptr<const SearchOutline>> SearchOutline::read(BlockSource& source,
                                                                 const SegmentHead& head) {
  std::string bytes;
  const auto complete = [&] {
    return bytes.size() >= length_bytes && bytes.size() - length_bytes >= ByteReader(bytes).u32le();
  };
  for (std::uint32_t block = 0; !complete(); ++block) {
    JCN_TRY(const std::string_view payload, source.block(Section::outline, block));
    if (payload.empty()) return damaged("a segment's outline is cut off");
    bytes += payload;
  }
  auto outline = decode_outline(bytes, head);
  if (!outline) return damaged("a segment's outline is malformed");
  return std::make_shared<const SearchOutline>(std::move(*outline));
}

const SegmentKind* SearchOutline::kind(std::string_view name) const {
  const auto found = std::lower_bound(
      kinds.begin(), kinds.end(), name,
      [](const SegmentKind& kind, std::string_view wanted) { return kind.name < wanted; });
  return found != kinds.end() && found->name == name ? &*found : nullptr;
}

const SegmentField* SearchOutline::field(const SegmentKind& kind, std::string_view path) const {
  const auto end = fields.begin() + kind.end_field;
  const auto found = std::lower_bound(
      fields.begin() + kind.first_field, end, path,
      [](const SegmentField& field, std::string_view wanted) { return field.path < wanted; });
  return found != end && found->path == path ? &*found : nullptr;
}

}  // namespace jcn
