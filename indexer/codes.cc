#include "jcn/codes.h"

namespace jcn {

const std::array<CodeRow, static_cast<std::size_t>(Code::internal) + 1> code_table = {{
    {Code::symlink, "symlink", true, "The path is, or leads through, a symbolic link."},
    {Code::fifo, "fifo", true, "The path is a FIFO (named pipe), not a regular file."},
    {Code::socket, "socket", true, "The path is a socket, not a regular file."},
    {Code::device, "device", true, "The path is a device, not a regular file."},
    {Code::permission_denied, "permission_denied", true, "The file may not be read by this user."},
    {Code::path_too_long, "path_too_long", true, "The path is longer than the system can open."},
    {Code::too_large, "too_large", true, "The file is larger than the limit."},
    {Code::unstable, "unstable", true, "The file kept changing while it was read."},
    {Code::read_error, "read_error", true, "The system could not read the file."},
    {Code::empty_file, "empty_file", true, "The file is empty, or holds nothing but white space."},
    {Code::byte_order_mark, "byte_order_mark", true,
     "The file begins with a byte order mark, whole or half, or is UTF-16 or UTF-32."},
    {Code::invalid_utf8, "invalid_utf8", true, "A byte sequence is no UTF-8."},
    {Code::nul_byte, "nul_byte", true, "The file holds a NUL byte."},
    {Code::control_character, "control_character", true,
     "A string holds a control character that is not escaped."},
    {Code::invalid_escape, "invalid_escape", true,
     "A string holds an escape that JSON does not have."},
    {Code::lone_surrogate, "lone_surrogate", true,
     "A string holds an escaped half of a surrogate pair without the other half."},
    {Code::invalid_number, "invalid_number", true, "A number is not written as JSON wants it."},
    {Code::number_out_of_range, "number_out_of_range", true,
     "A number's exponent or size is beyond what a double can hold."},
    {Code::unexpected_end, "unexpected_end", true, "The file ends before its value is complete."},
    {Code::syntax_error, "syntax_error", true, "The text is no JSON."},
    {Code::trailing_bytes, "trailing_bytes", true, "Something stands after the value."},
    {Code::too_deep, "too_deep", true, "Objects and arrays are nested deeper than the limit."},
    {Code::duplicate_member, "duplicate_member", true, "An object has two members of one name."},
    {Code::too_many_members, "too_many_members", true, "There are more members than the limit."},
    {Code::not_an_object, "not_an_object", true, "The file's value is no object."},
    {Code::no_id, "no_id", true, "None of the rule's sources yields an id."},
    {Code::invalid_id, "invalid_id", true,
     "The id is longer than 400 bytes, holds control characters, or is \".\" or \"..\"."},
    {Code::schema_violation, "schema_violation", true,
     "The fragment is not as the JSON Schema of its kind wants it."},

    {Code::bad_request, "bad_request", false, "The request can't be understood."},
    {Code::unknown_parameter, "unknown_parameter", false, "The route has no such parameter."},
    {Code::bad_parameter, "bad_parameter", false, "A parameter's value can't be used."},
    {Code::bad_field, "bad_field", false, "A field's name is empty, or no JSON Pointer."},
    {Code::unknown_operator, "unknown_operator", false, "There is no such filter operator."},
    {Code::bad_value, "bad_value", false, "A filter's value can't be used with its operator."},
    {Code::bad_schema, "bad_schema", false, "The JSON Schema can't be used."},
    {Code::no_schema, "no_schema", false, "The kind has no JSON Schema."},
    {Code::no_such_route, "no_such_route", false, "Nothing is served at this address."},
    {Code::no_such_kind, "no_such_kind", false, "There is no such kind."},
    {Code::no_such_record, "no_such_record", false, "The kind has no record of this id."},
    {Code::no_such_root, "no_such_root", false, "The path is beneath no watched folder."},
    {Code::method_not_allowed, "method_not_allowed", false, "The route does not take this method."},
    {Code::foreign_host, "foreign_host", false, "The Host header names another host."},
    {Code::foreign_origin, "foreign_origin", false, "The request comes from another site's page."},
    {Code::unauthorized, "unauthorized", false, "The request does not carry the server's token."},
    {Code::ambiguous_length, "ambiguous_length", false,
     "The Content-Length header is doubled or is no plain number."},
    {Code::transfer_encoding, "transfer_encoding", false, "Transfer-Encoding is not accepted."},
    {Code::too_many_headers, "too_many_headers", false, "The request has too many headers."},
    {Code::unexpected_body, "unexpected_body", false, "A body came with a method that has none."},
    {Code::bad_target, "bad_target", false, "The address is not encoded as it must be."},
    {Code::body_too_large, "body_too_large", false, "The body is larger than the limit."},
    {Code::request_timeout, "request_timeout", false, "The request did not arrive in time."},
    {Code::expectation_failed, "expectation_failed", false, "The Expect header can't be met."},
    {Code::not_ready, "not_ready", false, "The daemon is not ready for this yet."},
    {Code::sync_timeout, "sync_timeout", false, "The barrier was not reached in time."},
    {Code::query_timeout, "query_timeout", false, "The query took longer than it may."},
    {Code::answer_full, "answer_full", false,
     "The answer holds as much as it may; ask for the rest by itself."},
    {Code::readers_exhausted, "readers_exhausted", false,
     "All reader slots of the index are taken."},
    {Code::overloaded, "overloaded", false, "Too much is under way; try again later."},

    {Code::index_in_use, "index_in_use", false, "Another process works on this index."},
    {Code::index_unreadable, "index_unreadable", false, "The index can't be opened."},
    {Code::index_format, "index_format", false, "The index has a format of another version."},
    {Code::index_damaged, "index_damaged", false, "The index is damaged."},
    {Code::index_full, "index_full", false, "There is no room to write the index."},
    {Code::root_unavailable, "root_unavailable", false, "The watched folder can't be opened."},
    {Code::bad_configuration, "bad_configuration", false, "The configuration can't be used."},
    {Code::bad_usage, "bad_usage", false, "The command line can't be used."},
    {Code::not_connected, "not_connected", false, "The daemon can't be reached."},
    {Code::system, "system", false, "A system call failed."},
    {Code::internal, "internal", false, "A mistake in jcn itself."},
}};

std::string_view code_name(Code code) {
  return code_table[static_cast<std::size_t>(code)].name;
}

std::optional<Code> code_from_name(std::string_view name) {
  for (const CodeRow& row : code_table) {
    if (row.name == name) return row.code;
  }
  return std::nullopt;
}

}  // namespace jcn
