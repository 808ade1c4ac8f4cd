// The keywords of one subschema → its steps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"
#include "schema_program.h"

namespace jcn {

enum class SchemaDraft : std::uint8_t { four = 4, six = 6, seven = 7 };

// What the keywords ask of the schema around them.
class SchemaScope {
 public:
  static constexpr std::size_t max_patterns = 200;  // each takes up to 8 MiB while it is used
  virtual SchemaDraft draft() const = 0;
  virtual NodeId node(std::string_view value) = 0;  // of the subschema that `value` is
  virtual std::size_t offset(std::string_view value) const = 0;
  virtual Result<std::shared_ptr<const SchemaPattern>> pattern(std::string_view quoted,
                                                               std::string_view at) = 0;
  // Notes which value is at fault.
  virtual Error wrong(std::string_view value, std::string message) = 0;

 protected:
  ~SchemaScope() = default;
};

// Steps in the order in which they are checked: the value's type and value, its size, what must be
// there, what it holds, then combinations. Unknown keywords, and those of later drafts, are passed
// over. Errors: as SchemaScope::wrong makes them.
Result<std::vector<SchemaStep>> schema_steps(std::string_view value, SchemaScope& scope);

}  // namespace jcn
