// Projection: the part of a document that some fields name. Made once, applied to many documents.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

// Immutable once made; any thread.
class Projection {
 public:
  // Dots walk objects; what begins with '/' is a JSON Pointer, whose steps may also be indices of
  // arrays. What is no pointer names nothing. (jcn/field.h)
  explicit Projection(const std::vector<std::string>& fields);

  // `document`: canonical text of an object or array. Its named members, in its own order, with the
  // containers on the way to them; of an array, the named elements move together. "{}" or "[]" when
  // it has none of them. Not recursive: neither fields nor documents can exhaust the stack.
  std::string of(std::string_view document) const;

 private:
  // What is wanted below one place. Dotted names and pointers make two trees, because only the
  // steps of pointers enter arrays.
  struct Node {
    bool whole = false;
    std::map<std::string, std::uint32_t, std::less<>> children;  // by quoted name: number in nodes_
  };
  // A place of the document in both trees; 0: not in this one.
  struct Place {
    std::uint32_t dotted = 0, pointed = 0;
  };
  struct Level;

  void want(std::uint32_t root, const std::vector<std::string>& steps);
  std::uint32_t child(std::uint32_t node, std::string_view quoted) const;

  static constexpr std::uint32_t dotted_root = 1, pointed_root = 2;
  std::vector<Node> nodes_;  // the first stands for nowhere
};

}  // namespace jcn
