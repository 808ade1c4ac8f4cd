// Schema: a JSON Schema of draft 4, 6 or 7, compiled. Pure. What is understood:
// jcn/doc/http-api.md, "JSON Schema".
//
// Why this is our own: valijson 1.0, as Debian 12 has it, ends in SIGSEGV on {"$ref":"#"} (its
// issue 200) and on patterns over long strings (191), in SIGFPE on multipleOf 0, follows 2^n
// references, compares numbers as doubles, and takes 80 µs for what takes 5 µs here.
//
// Invariants:
// 1. A compiled schema never changes; any number of threads may check with it at once.
// 2. Every reference in it leads to a place in it; no chain of them comes back to itself without
//    going deeper into the document. So every check ends.
// 3. A check keeps its place in memory, not on the stack: neither a deep document nor a deep schema
//    needs more stack than a flat one. It takes at most max_steps, counted, not timed: the verdict
//    on given bytes is the same everywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "jcn/record.h"

namespace jcn {

struct SchemaProgram;  // indexer/schema_program.h

// Where a document is not as the schema wants it.
struct SchemaViolation {
  std::size_t offset = 0;  // of the value, or of a member's name, in the canonical text
  // To the value; of what is missing: to its object. Absent when longer than 1,000 bytes.
  std::optional<std::string> pointer;
  std::string message;  // what is wanted, and which place of the schema wants it
  bool operator==(const SchemaViolation&) const = default;
};

class Schema {
 public:
  static constexpr std::uint64_t max_bytes = 1 << 20;
  static constexpr std::uint64_t max_steps = 20'000'000;  // each looks at a few dozen bytes at most

  // From the bytes of a file or a request. What is no JSON, no schema, or asks for what is not
  // supported (another draft, a reference that leads out of it, a pattern that RE2 can't match) is
  // refused: a Reject with code bad_schema, a place in the bytes and a pointer.
  static std::variant<std::shared_ptr<const Schema>, Reject> compile(std::string_view bytes);

  explicit Schema(std::unique_ptr<const SchemaProgram> program);
  ~Schema();

  const std::string& text() const;  // canonical

  // The first violation in the order of the schema's keywords; absent: the document is valid.
  // `canonical` as check_json gives it.
  std::optional<SchemaViolation> check(std::string_view canonical) const;

 private:
  const std::unique_ptr<const SchemaProgram> program_;
};

}  // namespace jcn
