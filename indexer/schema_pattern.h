// A regular expression of a JSON Schema: ECMA 262's syntax on RE2, which matches in time linear in
// the text, whatever the pattern, and without recursion. Sole user of RE2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "jcn/result.h"

namespace re2 {
class RE2;
}

namespace jcn {

// Immutable; any thread may match.
class SchemaPattern {
 public:
  // What RE2 can't do is refused: lookaround, back references, repeats above 1,000, patterns that
  // take more than 8 MiB. Errors: bad_schema.
  static Result<SchemaPattern> compile(std::string_view ecma);
  SchemaPattern(SchemaPattern&&) noexcept;
  SchemaPattern& operator=(SchemaPattern&&) noexcept;
  ~SchemaPattern();

  bool found_in(std::string_view text) const;   // anywhere: patterns aren't anchored
  std::uint64_t cost() const { return cost_; }  // of a match, at worst: steps per byte of text

 private:
  explicit SchemaPattern(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
  std::uint64_t cost_ = 1;
};

// The same expression as RE2 writes it; no dots, classes or escapes that mean something else there.
// Errors: bad_schema.
Result<std::string> re2_syntax(std::string_view ecma);

}  // namespace jcn
