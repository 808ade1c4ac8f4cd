// The nouns of the index: what a fragment is, what a record is, what is known of a file.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/codes.h"

namespace jcn {

// XXH3-128, big-endian bytes. As text: 32 lower-case hexadecimal digits.
struct Hash128 {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Hash128&) const = default;
  std::string hex() const;
};
Hash128 hash128(std::string_view bytes);

// A record's name. Orders as the dump does: by kind, then id, bytewise.
struct RecordKey {
  std::string kind;  // [a-z][a-z0-9_-]*, at most 64 bytes
  std::string id;    // UTF-8, 1 to 400 bytes, no control characters
  auto operator<=>(const RecordKey&) const = default;
};

// A fragment's name: never an inode. `path` is relative to the root, as bytes, without leading '/'.
struct FragmentName {
  std::string root;
  std::string path;
  auto operator<=>(const FragmentName&) const = default;
};

// Why a fragment is not part of its record. Absent positions have no meaning for the code.
struct Reject {
  Code code = Code::internal;
  std::optional<std::uint64_t> line;    // from 1
  std::optional<std::uint64_t> column;  // from 1, in characters of the line
  std::optional<std::uint64_t> offset;  // from 0, in bytes of the file
  std::optional<std::string> pointer;   // RFC 6901
  std::string message;
  bool operator==(const Reject&) const = default;
};

// What stat(2) says; the identity of a file's bytes between two looks (see racily_clean).
struct FileFacts {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // since the epoch, UTC
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileFacts&) const = default;
};

// What the index knows of one eligible file.
struct FileRow {
  FileFacts facts;
  std::int64_t read_ns = 0;  // wall-clock time just before the reading that led to this row
  Hash128 content;           // of the file's raw bytes; zero when they could not be read
  // The record that this file's good content is part of. Set beside `reject`, it is last-good
  // content of an earlier reading, kept until the file is fixed or removed.
  std::optional<RecordKey> contributes;
  std::optional<Reject> reject;
  std::int64_t since_ns = 0;  // when `reject` was first found
  bool serving_last_good() const { return reject && contributes; }
  bool operator==(const FileRow&) const = default;
};

// A file whose ctime lies within 2 s of its reading may change again without a trace in its facts.
inline constexpr std::int64_t racy_window_ns = 2'000'000'000;
inline bool racily_clean(const FileRow& row) {
  return row.facts.ctime_ns + racy_window_ns > row.read_ns;
}

// One contributing fragment, as its record shows it.
struct FragmentInfo {
  FragmentName name;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool last_good = false;  // the file is a reject now; this is its earlier content
  bool operator==(const FragmentInfo&) const = default;
};

// The whole. Its fragments stand in composition order. A record whose kind wants an anchor, and has
// none, does not exist for readers: `exists` is false, `document` empty, its fragments are orphans.
struct Record {
  RecordKey key;
  std::uint64_t seq = 0;  // of its latest change; given by IndexWriter::publish
  Hash128 rev;            // hash128(document); zero when it does not exist
  bool exists = true;
  std::vector<FragmentInfo> fragments;
  std::string document;  // canonical text
  // Since when the value at its kind's tracked pointer has stood there (jcn/tracked_time.h).
  std::optional<std::int64_t> since_ns;
  std::int64_t created_ns() const;  // smallest mtime of its fragments
  std::int64_t updated_ns() const;  // largest
};

}  // namespace jcn
