// Rows of the index: bytes that decode, encode to bytes that decode to the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "encoding.h"
#include "keys.h"
#include "property.h"
#include "rows.h"
#include "segment.h"

namespace {

// Sealed rows are made whole first: a checksum would keep the fuzzer out.
std::string sealed(std::string_view payload) {
  std::string bytes(payload);
  jcn::seal(bytes);
  return bytes;
}

void rows(std::string_view bytes) {
  if (const auto row = jcn::decode_file_row(bytes)) {
    const jcn::FragmentName name = row->name.value_or(jcn::FragmentName{"r", "p"});
    const std::string again = jcn::encode_file_row(row->row, name, row->name.has_value());
    const auto twice = jcn::decode_file_row(again);
    PROPERTY(twice && twice->row == row->row && twice->name == row->name);
    PROPERTY(jcn::file_row_rejected(again) == row->row.reject.has_value());
  }
  if (const auto row = jcn::decode_id_row(bytes)) {
    const auto again = jcn::decode_id_row(jcn::encode_id_row(*row));
    PROPERTY(again && again->segment == row->segment && again->local == row->local &&
             again->seq == row->seq && again->exists == row->exists);
  }
  if (const auto row = jcn::decode_change_row(bytes)) {
    const auto again = jcn::decode_change_row(jcn::encode_change_row(*row));
    PROPERTY(again && again->key == row->key && again->rev == row->rev &&
             again->deleted == row->deleted);
  }
  if (const auto number = jcn::decode_number(bytes)) {
    PROPERTY(jcn::decode_number(jcn::encode_number(*number)) == number);
  }
  if (const auto key = jcn::parse_record_key(bytes)) {
    PROPERTY(jcn::record_key_bytes(*key) == bytes);
  }
  static_cast<void>(jcn::parse_file_key(bytes));
  static_cast<void>(jcn::parse_segment_key(bytes));
}

void sealed_rows(std::string_view payload) {
  const std::string bytes = sealed(payload);
  if (const auto row = jcn::decode_state(bytes)) {
    const auto again = jcn::decode_state(jcn::encode_state(*row));
    PROPERTY(again && again->folded_seq == row->folded_seq && again->clean == row->clean);
  }
  if (const auto counts = jcn::decode_counts(bytes)) {
    const auto again = jcn::decode_counts(jcn::encode_counts(*counts));
    PROPERTY(again && again->records == counts->records && again->fragments == counts->fragments);
  }
  if (const auto row = jcn::decode_body_row(bytes)) {
    const auto encoded = jcn::encode_body_row(*row);
    const auto again = jcn::decode_body_row(encoded);
    PROPERTY(again && again->stored == row->stored && again->raw_size == row->raw_size);
  }
  if (const auto sums = jcn::decode_sums(bytes)) {
    PROPERTY(jcn::decode_sums(jcn::encode_sums(*sums)) == sums);
  }
  if (const auto row = jcn::decode_horizon(bytes)) {
    const auto again = jcn::decode_horizon(jcn::encode_horizon(*row));
    PROPERTY(again && again->pruned == row->pruned && again->searched == row->searched);
  }
  static_cast<void>(jcn::identity_format(bytes));
  static_cast<void>(jcn::decode_identity(bytes));
  static_cast<void>(jcn::decode_token(bytes));
}

void entries(std::string_view bytes) {
  for (std::uint32_t place = 0; place < 4; ++place) {
    static_cast<void>(jcn::entry_in_block(bytes, place));
  }
  const auto entry = jcn::decode_entry(bytes);
  if (!entry || entry->raw_size > (1U << 20)) return;  // larger ones only cost time
  jcn::Record record;
  if (!jcn::unpack_entry(*entry, nullptr, record)) return;
  const std::string again = jcn::encode_entry(record);
  const auto twice = jcn::decode_entry(again);
  jcn::Record same;
  PROPERTY(twice && jcn::unpack_entry(*twice, nullptr, same));
  PROPERTY(same.document == record.document && same.fragments == record.fragments);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  rows(bytes);
  sealed_rows(bytes);
  entries(bytes);
  if (const auto head = jcn::decode_segment_head(bytes)) {
    const auto again = jcn::decode_segment_head(jcn::encode_segment_head(*head));
    PROPERTY(again && again->first_locals == head->first_locals && again->records == head->records);
  }
  return 0;
}
