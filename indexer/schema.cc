#include "jcn/schema.h"

#include "jcn/check.h"
#include "schema_compile.h"
#include "schema_machine.h"
#include "source_place.h"

namespace jcn {

Schema::Schema(std::unique_ptr<const SchemaProgram> program) : program_(std::move(program)) {}
Schema::~Schema() = default;

const std::string& Schema::text() const {
  return program_->text;
}

std::variant<std::shared_ptr<const Schema>, Reject> Schema::compile(std::string_view bytes) {
  const Limits limits{.max_bytes = max_bytes, .max_depth = 64, .max_members = 100'000};
  auto checked = check_json(bytes, limits);
  if (auto* reject = std::get_if<Reject>(&checked)) {
    reject->code = Code::bad_schema;
    return std::move(*reject);
  }
  auto compiled = compile_schema(std::move(std::get<std::string>(checked)));
  if (auto* program = std::get_if<std::unique_ptr<const SchemaProgram>>(&compiled))
    return std::make_shared<const Schema>(std::move(*program));
  auto& fault = std::get<SchemaFault>(compiled);
  Reject reject;
  reject.code = Code::bad_schema;
  reject.message = std::move(fault.message);
  const auto text = check_json(bytes, limits);
  set_place(reject, bytes, offset_in_source(bytes, std::get<std::string>(text), fault.offset));
  if (fault.pointer.size() <= max_pointer_bytes) reject.pointer = std::move(fault.pointer);
  return reject;
}

std::optional<SchemaViolation> Schema::check(std::string_view canonical) const {
  return SchemaMachine(*program_, canonical, max_steps).run();
}

}  // namespace jcn
