#include "problem.h"

#include <array>

namespace cgi {
namespace {

struct StatusRow {
  int status;
  std::string_view reason, title;
};

constexpr std::array<StatusRow, 11> status_rows = {{
    {200, "OK", ""},
    {304, "Not Modified", ""},
    {400, "Bad Request", "That can't be answered"},
    {404, "Not Found", "Not here"},
    {405, "Method Not Allowed", "Not like this"},
    {414, "URI Too Long", "That can't be answered"},
    {421, "Misdirected Request", "Wrong address"},
    {500, "Internal Server Error", "That did not work"},
    {501, "Not Implemented", "Not spoken here"},
    {502, "Bad Gateway", "That did not work"},
    {503, "Service Unavailable", "Back in a moment"},
}};

const StatusRow& row_of(int status) {
  for (const StatusRow& row : status_rows) {
    if (row.status == status) return row;
  }
  return row_of(500);
}

}  // namespace

Problem not_here() {
  return {404, "There is no such thing, or not any more."};
}

Problem away() {
  return {503, "The list of videos can't be reached right now.", 5};
}

Problem problem_of(const jcn::Error& error) {
  switch (error.code) {
    case jcn::Code::bad_request:
    case jcn::Code::unknown_parameter:
    case jcn::Code::bad_parameter:
    case jcn::Code::bad_field:
    case jcn::Code::unknown_operator:
    case jcn::Code::bad_value:
    case jcn::Code::bad_target:
      return {400, error.message};
    case jcn::Code::no_such_kind:
    case jcn::Code::no_such_record:
      return not_here();
    case jcn::Code::not_connected:
    case jcn::Code::not_ready:
    case jcn::Code::query_timeout:
    case jcn::Code::readers_exhausted:
    case jcn::Code::overloaded:
    case jcn::Code::busy:
    case jcn::Code::index_damaged:
    case jcn::Code::index_full:
    case jcn::Code::root_unavailable:
      return away();
    default:
      return {502, "The list of videos does not take this. The administrator's log says why."};
  }
}

std::string_view title_of(int status) {
  const std::string_view title = row_of(status).title;
  return title.empty() ? row_of(500).title : title;
}

std::string_view reason_of(int status) {
  return row_of(status).reason;
}

}  // namespace cgi
