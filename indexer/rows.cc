#include "rows.h"

#include "encoding.h"

namespace jcn {
namespace {

constexpr std::uint8_t row_contributes = 1, row_rejected = 2, row_named = 4, row_content = 8;
constexpr std::uint8_t has_line = 1, has_column = 2, has_offset = 4, has_pointer = 8;
constexpr std::string_view lost_prefix = "lost:";

void encode_reject(ByteWriter& out, const Reject& reject, std::int64_t since_ns) {
  out.text(code_name(reject.code));  // names are for ever, numbers are not
  std::uint8_t flags = 0;
  if (reject.line) flags |= has_line;
  if (reject.column) flags |= has_column;
  if (reject.offset) flags |= has_offset;
  if (reject.pointer) flags |= has_pointer;
  out.u8(flags);
  if (reject.line) out.varint(*reject.line);
  if (reject.column) out.varint(*reject.column);
  if (reject.offset) out.varint(*reject.offset);
  if (reject.pointer) out.text(*reject.pointer);
  out.text(reject.message);
  out.zigzag(since_ns);
}

bool decode_reject(ByteReader& in, FileRow& row) {
  Reject reject;
  const std::optional<Code> code = code_from_name(in.text());
  if (!code) return false;
  reject.code = *code;
  const std::uint8_t flags = in.u8();
  if (flags & has_line) reject.line = in.varint();
  if (flags & has_column) reject.column = in.varint();
  if (flags & has_offset) reject.offset = in.varint();
  if (flags & has_pointer) reject.pointer = std::string(in.text());
  reject.message = in.text();
  row.since_ns = in.zigzag();
  row.reject = std::move(reject);
  return in.ok();
}

}  // namespace

std::string encode_file_row(const FileRow& row, const FragmentName& name, bool key_is_cut) {
  std::string bytes;
  ByteWriter out(bytes);
  const bool content = row.content != Hash128{};
  std::uint8_t flags = 0;
  if (row.contributes) flags |= row_contributes;
  if (row.reject) flags |= row_rejected;
  if (key_is_cut) flags |= row_named;
  if (content) flags |= row_content;
  out.u8(flags);
  out.varint(row.facts.size);
  out.zigzag(row.facts.mtime_ns);
  // Times lie close together; unsigned arithmetic, because any of them may be far off.
  const auto mtime = static_cast<std::uint64_t>(row.facts.mtime_ns);
  const auto ctime = static_cast<std::uint64_t>(row.facts.ctime_ns);
  out.zigzag(static_cast<std::int64_t>(ctime - mtime));
  out.zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(row.read_ns) - ctime));
  out.varint(row.facts.inode);
  if (content) out.hash(row.content);
  if (row.contributes) {
    out.text(row.contributes->kind);
    out.text(row.contributes->id);
  }
  if (row.reject) encode_reject(out, *row.reject, row.since_ns);
  if (key_is_cut) {
    out.text(name.root);
    out.text(name.path);
  }
  return bytes;
}

std::optional<NamedFileRow> decode_file_row(std::string_view bytes) {
  ByteReader in(bytes);
  NamedFileRow named;
  FileRow& row = named.row;
  const std::uint8_t flags = in.u8();
  row.facts.size = in.varint();
  row.facts.mtime_ns = in.zigzag();
  const auto plus = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  };
  row.facts.ctime_ns = plus(row.facts.mtime_ns, in.zigzag());
  row.read_ns = plus(row.facts.ctime_ns, in.zigzag());
  row.facts.inode = in.varint();
  if (flags & row_content) row.content = in.hash();
  if (flags & row_contributes) {
    const std::string_view kind = in.text();
    row.contributes = RecordKey{std::string(kind), std::string(in.text())};
  }
  if (flags & row_rejected && !decode_reject(in, row)) return std::nullopt;
  if (flags & row_named) {
    const std::string_view root = in.text();
    named.name = FragmentName{std::string(root), std::string(in.text())};
  }
  if (!in.done()) return std::nullopt;
  return named;
}

bool file_row_rejected(std::string_view bytes) {
  return !bytes.empty() && (static_cast<std::uint8_t>(bytes[0]) & row_rejected);
}

std::string encode_id_row(const IdRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(row.exists ? 1 : 0);
  out.varint(row.segment);
  out.varint(row.local);
  out.varint(row.seq);
  return bytes;
}

std::optional<IdRow> decode_id_row(std::string_view bytes) {
  ByteReader in(bytes);
  IdRow row;
  row.exists = (in.u8() & 1) != 0;
  row.segment = in.varint32();
  row.local = in.varint32();
  row.seq = in.varint();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string encode_change_row(const ChangeRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  const bool rev = row.rev != Hash128{};
  out.u8(static_cast<std::uint8_t>((row.deleted ? 1 : 0) | (rev ? 2 : 0)));
  if (rev) out.hash(row.rev);
  out.raw(row.key);
  return bytes;
}

std::optional<ChangeRow> decode_change_row(std::string_view bytes) {
  ByteReader in(bytes);
  ChangeRow row;
  const std::uint8_t flags = in.u8();
  row.deleted = (flags & 1) != 0;
  if (flags & 2) row.rev = in.hash();
  row.key = in.rest();
  if (!in.done() || row.key.empty()) return std::nullopt;
  return row;
}

std::string encode_number(std::uint64_t number) {
  std::string bytes;
  ByteWriter(bytes).varint(number);
  return bytes;
}

std::optional<std::uint64_t> decode_number(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint64_t number = in.varint();
  if (!in.done()) return std::nullopt;
  return number;
}

std::string encode_body_row(const BodyRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(row.compressed ? 1 : 0);
  out.varint(row.dictionary);
  out.varint(row.raw_size);
  out.raw(row.stored);
  seal(bytes);
  return bytes;
}

std::optional<BodyRow> decode_body_row(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  BodyRow row;
  row.compressed = (in.u8() & 1) != 0;
  row.dictionary = in.varint32();
  row.raw_size = in.varint();
  row.stored = in.rest();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string meta_note_key(std::string_view name) {
  return "note:" + std::string(name);
}

std::string meta_lost_key(std::uint64_t after) {
  std::string key(lost_prefix);
  append_be64(key, after);
  return key;
}

std::optional<std::uint64_t> lost_after(std::string_view meta_key) {
  if (!meta_key.starts_with(lost_prefix) || meta_key.size() != lost_prefix.size() + 8) {
    return std::nullopt;
  }
  return read_be64(meta_key.substr(lost_prefix.size()));
}

std::string encode_token(const TokenRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.hash(row.token);
  out.hash(row.before);
  seal(bytes);
  return bytes;
}

std::optional<TokenRow> decode_token(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  TokenRow row;
  row.token = in.hash();
  row.before = in.hash();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string encode_identity(const IdentityRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u32le(row.format);
  out.hash(row.uuid);
  out.text(row.machine);
  out.varint(row.inode);
  seal(bytes);
  return bytes;
}

std::optional<std::uint32_t> identity_format(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload || payload->size() < 4) return std::nullopt;
  return ByteReader(*payload).u32le();
}

std::optional<IdentityRow> decode_identity(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  IdentityRow row;
  row.format = in.u32le();
  row.uuid = in.hash();
  row.machine = in.text();
  row.inode = in.varint();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string encode_state(const StateRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(row.clean ? 1 : 0);
  out.varint(row.folded_seq);
  out.varint(row.reserved_seq);
  out.varint(row.next_segment);
  out.varint(row.dictionary);
  seal(bytes);
  return bytes;
}

std::optional<StateRow> decode_state(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  StateRow row;
  row.clean = (in.u8() & 1) != 0;
  row.folded_seq = in.varint();
  row.reserved_seq = in.varint();
  row.next_segment = in.varint32();
  row.dictionary = in.varint32();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string encode_counts(const IndexCounts& counts) {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(counts.fragments);
  out.varint(counts.rejects);
  out.varint(counts.records.size());
  for (const auto& [kind, records] : counts.records) {
    out.text(kind);
    out.varint(records);
  }
  seal(bytes);
  return bytes;
}

std::optional<IndexCounts> decode_counts(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  IndexCounts counts;
  counts.fragments = in.varint();
  counts.rejects = in.varint();
  for (std::uint64_t kinds = in.varint(); kinds > 0 && in.ok(); --kinds) {
    const std::string_view kind = in.text();
    counts.records[std::string(kind)] = in.varint();
  }
  if (!in.done()) return std::nullopt;
  return counts;
}

std::string encode_horizon(const HorizonRow& row) {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(row.pruned);
  out.varint(row.searched);
  seal(bytes);
  return bytes;
}

std::optional<HorizonRow> decode_horizon(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  HorizonRow row;
  row.pruned = in.varint();
  row.searched = in.varint();
  if (!in.done()) return std::nullopt;
  return row;
}

std::string encode_sums(const std::vector<TableSum>& sums) {
  std::string bytes;
  ByteWriter out(bytes);
  for (const TableSum& sum : sums) {
    out.varint(sum.entries);
    out.u64le(sum.sum);
  }
  seal(bytes);
  return bytes;
}

std::optional<std::vector<TableSum>> decode_sums(std::string_view sealed) {
  const auto payload = unseal(sealed);
  if (!payload) return std::nullopt;
  ByteReader in(*payload);
  std::vector<TableSum> sums;
  while (in.ok() && !in.done()) {
    TableSum sum;
    sum.entries = in.varint();
    sum.sum = in.u64le();
    sums.push_back(sum);
  }
  if (!in.done()) return std::nullopt;
  return sums;
}

std::string uuid_text(const Hash128& uuid) {
  std::string text = uuid.hex();
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace jcn
