// Every stable code that jcn shows: rejects, problem+json, exit messages. One table; documents and
// tests are checked against it. Codes are never renamed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace jcn {

enum class Code : std::uint8_t {
  // Verdicts on a fragment, in the order in which they are checked (DESIGN: Checking).
  symlink,
  fifo,
  socket,
  device,
  permission_denied,
  path_too_long,
  too_large,
  unstable,
  read_error,
  empty_file,
  byte_order_mark,
  invalid_utf8,
  nul_byte,
  control_character,
  invalid_escape,
  lone_surrogate,
  invalid_number,
  number_out_of_range,
  unexpected_end,
  syntax_error,
  trailing_bytes,
  too_deep,
  duplicate_member,
  too_many_members,
  not_an_object,
  no_id,
  invalid_id,
  schema_violation,
  // Requests.
  bad_request,
  unknown_parameter,
  bad_parameter,
  bad_field,
  unknown_operator,
  bad_value,
  bad_schema,
  no_schema,
  no_such_route,
  no_such_kind,
  no_such_record,
  no_such_root,
  no_such_fragment,
  no_such_webhook,
  method_not_allowed,
  foreign_host,
  foreign_origin,
  unauthorized,
  forbidden,
  writing_off,
  ambiguous_length,
  transfer_encoding,
  too_many_headers,
  unexpected_body,
  bad_target,
  bad_path,
  ignored_name,
  no_rule,
  body_too_large,
  request_timeout,
  expectation_failed,
  precondition_failed,
  precondition_required,
  not_ready,
  sync_timeout,
  query_timeout,
  answer_full,
  readers_exhausted,
  overloaded,
  busy,
  read_only,
  disk_full,
  write_error,
  // The index and the system under it.
  index_in_use,
  index_unreadable,
  index_format,
  index_damaged,
  index_full,
  root_unavailable,
  bad_configuration,
  bad_usage,
  not_connected,
  system,
  internal,
};

struct CodeRow {
  Code code;
  std::string_view name;
  bool reject;  // a verdict on a fragment; otherwise an answer to a request or a failure
  std::string_view meaning;
};

// One row per Code, in the order of the enumeration.
extern const std::array<CodeRow, static_cast<std::size_t>(Code::internal) + 1> code_table;

std::string_view code_name(Code code);
std::optional<Code> code_from_name(std::string_view name);

}  // namespace jcn
