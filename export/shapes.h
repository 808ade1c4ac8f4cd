// Shapes: which members the records of a kind have, and how many records have each in which form.
// Counts only: a record's shapes can be taken away again, so that the counts of any state are those
// of its records, whatever was there before. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jcn_export {

// What a value is to a column. Numbers by what SQLite can hold of them without a change.
enum class Form : std::uint8_t {
  null,
  boolean,
  integer,    // a 64-bit integer that a double holds, too
  wide,       // a 64-bit integer that a double rounds
  real,       // the nearest double reads as the same decimal number again
  exact,      // any other number: kept as text, with the spelling that it has
  text,       // a string of at most longest_label bytes
  long_text,  // a longer one
  list,       // an array of scalars, or an empty one
  rows,       // an array with an object or array in it
  object,
};
inline constexpr std::size_t forms = 11;
inline constexpr std::size_t longest_label = 64;

Form form_of(std::string_view value);  // canonical text (jcn/canonical.h)

using NodeId = std::uint32_t;

// One place in the records of a kind: a member of its parent, or the elements of its parent.
struct Node {
  NodeId parent = 0;
  std::string_view name;      // quoted, as in canonical text; empty: elements of an array
  bool in_array = false;      // elements, or beneath them
  std::uint64_t records = 0;  // that have it, in whatever form
  std::array<std::uint64_t, forms> counts{};  // records that have it in that form

  std::uint64_t count(Form form) const { return counts[static_cast<std::size_t>(form)]; }
  bool has(Form form) const { return count(form) > 0; }
  bool has_scalar() const;
};

class Shapes {
 public:
  static constexpr NodeId root = 0;
  Shapes();
  Shapes(Shapes&&) = default;
  Shapes& operator=(Shapes&&) = default;

  void add(std::string_view document) { count(document, 1); }
  void remove(std::string_view document) { count(document, UINT64_MAX); }

  std::uint64_t records() const { return nodes_[root].records; }
  std::size_t size() const { return nodes_.size(); }
  const Node& operator[](NodeId node) const { return nodes_[node]; }
  // As in jcn/field.h: an RFC 6901 pointer in which the step into any element is "~*".
  std::string path(NodeId node) const;

  // The node of a member, by its quoted name, and that of an array's elements; made when new.
  NodeId member(NodeId parent, std::string_view quoted_name);
  NodeId elements(NodeId parent);
  // The same of what is there; 0: there is none. `before`: the member that came before it in the
  // document, or 0.
  NodeId find(NodeId parent, NodeId before, std::string_view quoted_name) const;
  NodeId find_elements(NodeId parent) const { return links_[parent].elements; }
  // By a path as above; made when new. For counts that were kept.
  NodeId at_path(std::string_view path);
  void set(NodeId node, std::uint64_t records, const std::array<std::uint64_t, forms>& counts);

 private:
  // What finding and counting need, apart from what is told.
  struct Links {
    NodeId elements = 0;         // 0: not made yet
    NodeId first = 0, next = 0;  // the member that came first in it, and behind it, last time
    std::unordered_map<std::string_view, NodeId> members;
    std::uint64_t seen_in = 0;     // number of the document that was last seen to have it
    std::uint32_t seen_forms = 0;  // a bit per form, in that document
  };

  NodeId make(NodeId parent, std::string_view name);
  void count(std::string_view document, std::uint64_t step);
  void count_members(NodeId node, std::string_view object, std::uint64_t step);
  void count_value(NodeId node, std::string_view value, std::uint64_t step);

  std::vector<Node> nodes_;
  std::vector<Links> links_;       // by node
  std::deque<std::string> names_;  // what the nodes' names lead to
  std::uint64_t document_ = 0;     // that is being counted
};

}  // namespace jcn_export
