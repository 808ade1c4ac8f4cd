// Rules: which kind and id a fragment has, and how fragments compose. Pure values; their canonical
// JSON text is kept in the index, so that offline tools compose as the daemon does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/search_scope.h"

namespace jcn {

class Schema;  // jcn/schema.h

struct Limits {
  std::uint64_t max_bytes = 1 << 20;   // of a fragment's file
  std::uint32_t max_depth = 64;        // of nested objects and arrays; the outermost object is 1
  std::uint32_t max_members = 10'000;  // of a fragment, all objects together
  bool operator==(const Limits&) const = default;
};

struct IdSource {
  enum class Kind : std::uint8_t { pointer, stem, path };
  Kind kind = Kind::path;
  std::string pointer;  // RFC 6901, for Kind::pointer
  bool operator==(const IdSource&) const = default;
};

// What a pointer's value becomes when this rule's fragment is merged onto the document.
struct MergeStrategy {
  enum class Kind : std::uint8_t { union_of, min, max };
  Kind kind = Kind::union_of;
  std::string pointer;
  bool operator==(const MergeStrategy&) const = default;
};

struct Rule {
  std::string kind = "videos";
  std::string root;  // empty: every root
  std::string match =
      "**/*.json";  // glob on the relative path: * ? [..] within a name, ** over folders
  std::vector<IdSource> id = {{IdSource::Kind::pointer, "/id"}, {IdSource::Kind::path, {}}};
  std::int32_t rank = 0;      // lower composes first
  std::string order_by;       // pointer, or empty
  bool anchor = false;        // records of this kind exist only while an anchor fragment does
  bool ignore_nulls = false;  // null = "ignore": a null in a patch deletes nothing
  std::vector<MergeStrategy> merge;
  bool operator==(const Rule&) const = default;
};

// A kind's JSON Schema; two of the same text are equal.
struct KindSchema {
  std::shared_ptr<const Schema> schema;  // not null
  bool operator==(const KindSchema& other) const;
};

// How much the words of a kind's fields count for relevance: by path (jcn/field.h), from 0; 1 where
// absent.
using SearchWeights = std::map<std::string, double>;

struct Rules {
  std::vector<Rule> rules = {Rule{}};
  std::map<std::string, KindSchema> schemas;  // by kind; each fragment must fit its kind's
  // By kind; no verdict depends on them, and nothing that is stored.
  std::map<std::string, SearchWeights> search_weights;
  std::map<std::string, SearchScope> search_scopes;
  // By kind, the pointer whose value records have `_since` some time; where absent,
  // default_tracked.
  std::map<std::string, std::string> tracked;
  std::vector<std::string> ignore = default_ignore();  // globs on one path component
  Limits limits;
  bool prefix_path_ids = false;  // path ids are NAME/path

  static constexpr const char* default_tracked = "/transcode/state";
  static std::vector<std::string> default_ignore();

  // The first rule that matches, or null.
  const Rule* find(const FragmentName& name) const;
  // True when any component of the relative path matches an ignore pattern.
  bool ignored(std::string_view path) const;
  bool ignored_component(std::string_view name) const;
  const Schema* schema(const std::string& kind) const;          // null: none
  const SearchWeights& weights(const std::string& kind) const;  // empty: all are 1
  const SearchScope& scope(const std::string& kind) const;
  std::string tracked_pointer(const std::string& kind) const;
  // True when some rule of the kind is an anchor.
  bool wants_anchor(std::string_view kind) const;

  std::string to_json() const;
  static Result<Rules> from_json(std::string_view text);
  bool operator==(const Rules&) const = default;
};

// Those by which an index was made; index_unreadable when it does not say. Messages call it
// `index`.
class Snapshot;
Result<Rules> rules_of(const Snapshot& snapshot, const std::string& index);

// A shell-like pattern against the whole of a relative path. `*`, `?` (one character) and `[a-z]`,
// `[!a-z]` stay within a name, `\x` is x itself; `**` as a whole component stands for any number of
// folders, none too, and at the end for all that lies beneath. Not recursive; at most (pattern ×
// path) steps.
bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace jcn
