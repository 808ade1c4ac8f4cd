// JSON Schema → program. Pure; no recursion.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "schema_program.h"

namespace jcn {

// What is wrong with a schema.
struct SchemaFault {
  std::size_t offset = 0;  // of the value at fault, in the canonical text
  std::string pointer;
  std::string message;
};

// Draft 4, 6 or 7, as $schema says; 7 without it.
std::variant<std::unique_ptr<const SchemaProgram>, SchemaFault> compile_schema(
    std::string canonical);

}  // namespace jcn
