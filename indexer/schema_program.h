// A compiled JSON Schema: nodes, one per subschema, each a list of steps, one per keyword that says
// something. Views lead into the schema's own canonical text. Built by schema_compile.cc, run by
// schema_machine.cc, constant in between.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "schema_format.h"
#include "schema_number.h"
#include "schema_pattern.h"

namespace jcn {

using NodeId = std::uint32_t;  // place in SchemaProgram::nodes
inline constexpr NodeId no_node = ~NodeId{0};

namespace schema {

// What is looked at once.
struct Nothing {};  // the schema false
struct TypeOf {
  std::uint8_t types = 0;        // bit 1 << JsonType
  bool integer = false;          // integers too, where the bit of numbers is not set
  bool integer_as_text = false;  // draft 4: 1.0 is none
};
struct Values {
  std::vector<std::string_view> sorted;  // compare_values
  bool constant = false;                 // from const, not enum
};
struct MultipleOf {
  Divisor divisor;
  std::string_view text;
};
struct Bound {
  enum class Side : std::uint8_t { minimum, maximum } side = Side::minimum;
  bool exclusive = false;
  std::string_view limit;
};
struct Count {
  enum class Of : std::uint8_t { characters, elements, members } of = Of::characters;
  bool at_least = false;  // else at most
  std::uint64_t limit = 0;
};
struct Matches {
  std::shared_ptr<const SchemaPattern> pattern;
  std::string_view text;
};
struct Format {
  const FormatRow* row;
};
struct Unique {};
// Quoted names.
struct Required {
  std::vector<std::string_view> names;
  std::unordered_map<std::string_view, std::uint32_t> places;  // in `names`
};

// What asks other nodes about the same value.
struct All {  // also $ref
  std::vector<NodeId> nodes;
};
struct Any {
  std::vector<NodeId> nodes;
  bool exactly_one = false;
};
struct Not {
  NodeId node;
};
struct If {
  NodeId condition, then = no_node, otherwise = no_node;
};
struct Dependencies {
  // By quoted name: what its presence demands.
  std::unordered_map<std::string_view, NodeId> nodes;
  std::unordered_map<std::string_view, std::vector<std::string_view>> names;
};

// What asks other nodes about what the value holds.
struct Items {
  std::vector<NodeId> first;  // of the first elements, each its own
  NodeId rest = no_node;
};
struct Contains {
  NodeId node;
};
struct Members {  // properties, patternProperties, additionalProperties
  std::unordered_map<std::string_view, NodeId> named;  // by quoted name
  std::vector<std::pair<std::shared_ptr<const SchemaPattern>, NodeId>> matching;
  NodeId rest = no_node;
};
struct Names {
  NodeId node;
};

using What =
    std::variant<Nothing, TypeOf, Values, MultipleOf, Bound, Count, Matches, Format, Unique,
                 Required, All, Any, Not, If, Dependencies, Items, Contains, Members, Names>;

}  // namespace schema

struct SchemaStep {
  std::size_t at = 0;  // of the keyword's value, in the schema's text
  schema::What what;
};

struct SchemaNode {
  std::vector<SchemaStep> steps;  // all must pass
};

struct SchemaProgram {
  std::string text;               // canonical; never moves
  std::vector<SchemaNode> nodes;  // the first is the whole
};

}  // namespace jcn
