// Extract: document → what of it can be asked for: each field with its values, each string's words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/canonical.h"
#include "jcn/field.h"

namespace jcn {

using FieldId = std::uint32_t;

// Gives numbers to the field paths that documents have. One thread.
class FieldTable {
 public:
  FieldTable();
  static constexpr FieldId root = 0;  // the document itself; its path is ""
  // The field of a member, by its quoted name as it stands in canonical text; made when new.
  FieldId member(FieldId parent, std::string_view quoted_name);
  FieldId elements(FieldId parent);  // the step ~*
  // A path as above, or a name that does not begin with '/' (_created), which is then its own path.
  FieldId find_or_add(std::string_view path);
  // Lasts until a field is made.
  const std::string& path(FieldId field) const { return nodes_[field].path; }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::string path;
    std::string name;  // quoted, in the parent; of names that are no pointer, as it is
    FieldId parent = 0;
    FieldId elements = 0;  // 0: not made yet
  };
  struct Slot {
    std::uint32_t hash = 0;
    FieldId field = 0;  // 0: free, for the root is nobody's member
  };

  FieldId find(FieldId parent, std::string_view name, std::uint32_t hash) const;
  FieldId add(FieldId parent, std::string_view name, std::uint32_t hash, std::string path);
  void place(Slot slot);
  void grow();

  std::vector<Node> nodes_;
  std::vector<Slot> slots_;  // as many as a power of two, at most half of them taken
  std::size_t taken_ = 0;
};

// One thing found at a field.
struct Finding {
  FieldId field = 0;
  bool element = false;  // of the array there; always a scalar then
  JsonType type = JsonType::null;
  std::string_view text;  // canonical; of arrays and objects the whole of it
};

// Goes through what extract() visits.
class FindingCursor {
 public:
  FindingCursor(std::string_view document, FieldTable& fields);
  bool next();
  const Finding& finding() const { return finding_; }

 private:
  struct Container {
    FieldId field = 0;
    bool object = false;
  };

  bool scalar(JsonType type);
  bool container(JsonType type);
  void find_ends(std::size_t begin);

  std::string_view text_;
  FieldTable& fields_;
  std::size_t at_ = 0;
  std::vector<Container> open_;
  // Where the containers end that were looked through and not yet come to, in the order of their
  // begins: each byte is looked at once more than a scan of the text would, at any depth.
  std::vector<std::size_t> ends_;
  std::size_t next_end_ = 0;
  std::vector<std::size_t> pending_;  // of find_ends
  Finding finding_;
};

// Calls visit(const Finding&) for every member, in document order: an array, then its scalar
// elements (element = true, of the array's own field), its arrays and objects as values of the
// field ~*. Never for the document itself. `document` is canonical text; other text may be misread,
// but is never read beyond.
template <class Visit>
void extract(std::string_view document, FieldTable& fields, Visit&& visit) {
  FindingCursor cursor(document, fields);
  while (cursor.next()) visit(cursor.finding());
}

}  // namespace jcn
