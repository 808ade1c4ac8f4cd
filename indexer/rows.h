// Values of the LMDB tables, and of the same rows while they are fresh (doc/format.md: Rows).
// Decoders give nothing for bytes that are not exactly one well-formed row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/record.h"
#include "jcn/snapshot.h"

namespace jcn {

inline constexpr std::uint32_t format_version = 3;
inline constexpr std::uint32_t oldest_format =
    1;  // that can be read, to be written anew in this one

// `name` is stored inside the row when its key is cut, and ignored otherwise.
std::string encode_file_row(const FileRow& row, const FragmentName& name, bool key_is_cut);
struct NamedFileRow {
  std::optional<FragmentName> name;  // of a cut key
  FileRow row;
};
std::optional<NamedFileRow> decode_file_row(std::string_view bytes);
bool file_row_rejected(std::string_view bytes);  // without decoding the rest

struct IdRow {
  std::uint32_t segment = 0, local = 0;
  std::uint64_t seq = 0;
  bool exists = true;
};
std::string encode_id_row(const IdRow& row);
std::optional<IdRow> decode_id_row(std::string_view bytes);

struct ChangeRow {
  std::string key;  // record_key_bytes
  Hash128 rev;      // zero when it is deleted or does not exist
  bool deleted = false;
};
std::string encode_change_row(const ChangeRow& row);
std::optional<ChangeRow> decode_change_row(std::string_view bytes);

std::string encode_number(std::uint64_t number);
std::optional<std::uint64_t> decode_number(std::string_view bytes);

// A contributing file's canonical text.
struct BodyRow {
  std::uint32_t dictionary = 0;  // 0: none
  bool compressed = false;
  std::uint64_t raw_size = 0;
  std::string_view stored;
};
std::string encode_body_row(const BodyRow& row);  // sealed
std::optional<BodyRow> decode_body_row(std::string_view sealed);

// Rows of `meta`, each sealed.
inline constexpr std::string_view meta_identity = "identity";
inline constexpr std::string_view meta_state = "state";
inline constexpr std::string_view meta_counts = "counts";
inline constexpr std::string_view meta_sums = "sums";
inline constexpr std::string_view meta_token = "token";
inline constexpr std::string_view meta_horizon = "horizon";
inline constexpr std::string_view meta_origin =
    "origin";  // sealed: the generation it was written from
std::string meta_note_key(std::string_view name);
// A stretch of numbers about which nothing is known after an unclean end: (after, last].
std::string meta_lost_key(std::uint64_t after);
// Of such a key: `after`; absent for any other.
std::optional<std::uint64_t> lost_after(std::string_view meta_key);

struct IdentityRow {
  std::uint32_t format = format_version;
  Hash128 uuid;
  std::string machine;      // /etc/machine-id; empty where there is none
  std::uint64_t inode = 0;  // of data.mdb
};
std::string encode_identity(const IdentityRow& row);
// Reads the format number, which stands first for ever, even when the rest is of another format.
std::optional<std::uint32_t> identity_format(std::string_view sealed);
std::optional<IdentityRow> decode_identity(std::string_view sealed);

// What binds data.mdb and INDEX/history together (history.h).
struct TokenRow {
  Hash128 token;
  Hash128 before;  // what INDEX/history held when this one was committed; zero: there was none
};
std::string encode_token(const TokenRow& row);
std::optional<TokenRow> decode_token(std::string_view sealed);

struct StateRow {
  std::uint64_t folded_seq = 0;    // everything up to here is in LMDB
  std::uint64_t reserved_seq = 0;  // numbers up to here may have been given
  bool clean = false;              // the writer ended with everything folded
  std::uint32_t next_segment = 1;
  std::uint32_t dictionary = 0;  // for new segments; 0: none yet
};
std::string encode_state(const StateRow& row);
std::optional<StateRow> decode_state(std::string_view sealed);

std::string encode_counts(const IndexCounts& counts);
std::optional<IndexCounts> decode_counts(std::string_view sealed);

// How far back the changes are all known (retention.h). Absent: to the beginning.
struct HorizonRow {
  std::uint64_t pruned = 0;    // tombstones up to this number may have been erased
  std::uint64_t searched = 0;  // the changes up to this number have no tombstone among them
};
std::string encode_horizon(const HorizonRow& row);
std::optional<HorizonRow> decode_horizon(std::string_view sealed);

struct TableSum {
  std::uint64_t entries = 0;
  std::uint64_t sum = 0;  // of entry_hash, wrapping
  bool operator==(const TableSum&) const = default;
};
std::string encode_sums(const std::vector<TableSum>& sums);
std::optional<std::vector<TableSum>> decode_sums(std::string_view sealed);

std::string uuid_text(const Hash128& uuid);  // RFC 9562

}  // namespace jcn
