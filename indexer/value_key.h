// Value keys: scalars as bytes whose order is the order of queries: null < false < true < numbers <
// strings. Numbers are exact decimals: 100, 1e2 and 100.0 have one key. Pure, thread-safe.
//
// Long values are cut: their key holds a beginning and a hash128 of the whole. Equal keys mean
// equal values still; but where one of two keys is cut and both have the same beginning, only the
// values themselves tell their order.
//
//   key       = 01 | 02 | 03              markers: present, array, object
//             | 10 | 20 | 21              null, false, true
//             | 30 number
//             | 40 byte*                  a string of at most 96 bytes, UTF-8
//             | 40 byte{32} ff hash128    a longer one, cut; ff is in no UTF-8
//
//   number    = 80                        zero
//             | magnitude                 above zero
//             | magnitude, inverted       below zero: each byte b as 255 - b
//
//   magnitude = e pair*                   at most 60 digits
//             | e pair{16} ff hash128     more, cut; all pairs have a successor
//             | e ff hash128              e out of range, cut
//
//   e         = c0 + e                    from -62 to 62
//             | ff e u64be                above; 10^18 means that and more
//             | 81 (e + 10^18) u64be      below; 0 means -10^18 and less
//
//   pair      = 2 × (10 × digit + digit)  + 1 if another pair follows
//
// A magnitude is that of 0.d1d2d3… × 10^e, where d1 is not 0 and no 0 is at the end; the second
// digit of an odd last pair is 0. Hashes are of a string's bytes, and of a number's text in the
// form -d1d2d3…e12, without zeros at the end; they are never inverted. 600 is 30 c3 78, -1.5 is 30
// 3e e1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jcn {

// The first byte of a key. Those below `null` are markers: rows of a field's dictionary that say
// what its records have there, whatever the value.
enum class KeyType : std::uint8_t {
  present = 0x01,  // the member is there, with any value
  array = 0x02,    // it is an array
  object = 0x03,   // it is an object
  null = 0x10,     // null itself, or an element of the array
  false_ = 0x20,
  true_ = 0x21,
  number = 0x30,
  string = 0x40,
};

inline constexpr std::size_t longest_value_key = 128;  // bytes

std::string marker_key(KeyType type);
// `scalar` is canonical text: null, true, false, a number or a quoted string.
void append_value_key(std::string& out, std::string_view scalar);
// The same for text that is not quoted, UTF-8.
void append_string_key(std::string& out, std::string_view text);
std::string value_key(std::string_view scalar);
std::string string_key(std::string_view text);

KeyType key_type(std::string_view key);
bool is_cut(std::string_view key);
// All that the values of cut keys can't be told apart from, begins with this: keys that begin with
// it, the cut key's own included, need their values to be ordered. Of a key that is not cut: what
// it would be if it were cut (its own beginning, or all of it when it is shorter).
std::string_view key_beginning(std::string_view key);
// Canonical JSON text of the value: numbers in their shortest form (100, 1.5, 1e+300). Absent for
// markers and cut keys.
std::optional<std::string> key_json(std::string_view key);
// The text of a string's key that is not cut.
std::optional<std::string_view> key_string(std::string_view key);

}  // namespace jcn
