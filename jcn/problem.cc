#include "problem.h"

#include <array>

#include "json_writer.h"
#include "reject_json.h"

namespace jcn {
namespace {

struct StatusRow {
  Code code;
  int status;
};

// Codes that can be an answer to a request. Verdicts on fragments are 422; whatever else reaches a
// client is a failure of the server: 500.
constexpr std::array status_table = {
    StatusRow{Code::bad_request, 400},
    StatusRow{Code::unknown_parameter, 400},
    StatusRow{Code::bad_parameter, 400},
    StatusRow{Code::bad_field, 400},
    StatusRow{Code::unknown_operator, 400},
    StatusRow{Code::bad_value, 400},
    StatusRow{Code::bad_schema, 400},
    StatusRow{Code::bad_target, 400},
    StatusRow{Code::ambiguous_length, 400},
    StatusRow{Code::transfer_encoding, 400},
    StatusRow{Code::unexpected_body, 400},
    StatusRow{Code::unauthorized, 401},
    StatusRow{Code::request_timeout, 408},
    StatusRow{Code::foreign_origin, 403},
    StatusRow{Code::no_such_route, 404},
    StatusRow{Code::no_such_kind, 404},
    StatusRow{Code::no_such_record, 404},
    StatusRow{Code::no_such_root, 404},
    StatusRow{Code::no_schema, 404},
    StatusRow{Code::query_timeout, 503},
    StatusRow{Code::method_not_allowed, 405},
    StatusRow{Code::body_too_large, 413},
    StatusRow{Code::expectation_failed, 417},
    StatusRow{Code::foreign_host, 421},
    StatusRow{Code::too_many_headers, 431},
    StatusRow{Code::not_ready, 503},
    StatusRow{Code::sync_timeout, 503},
    StatusRow{Code::readers_exhausted, 503},
    StatusRow{Code::overloaded, 503},
    StatusRow{Code::index_full, 503},
    StatusRow{Code::index_damaged, 503},
    StatusRow{Code::root_unavailable, 503},
    StatusRow{Code::bad_path, 400},
    StatusRow{Code::ignored_name, 400},
    StatusRow{Code::no_rule, 400},
    StatusRow{Code::forbidden, 403},
    StatusRow{Code::writing_off, 403},
    StatusRow{Code::read_only, 403},
    StatusRow{Code::no_such_fragment, 404},
    StatusRow{Code::no_such_webhook, 404},
    StatusRow{Code::precondition_failed, 412},
    StatusRow{Code::precondition_required, 428},
    StatusRow{Code::disk_full, 507},
    StatusRow{Code::write_error, 500},
    StatusRow{Code::busy, 503},
};

}  // namespace

int http_status(Code code) {
  for (const StatusRow& row : status_table) {
    if (row.code == code) return row.status;
  }
  return code_table[static_cast<std::size_t>(code)].reject ? 422 : 500;
}

namespace {

Response written(Code code, std::string_view detail, std::string_view hint,
                 const std::vector<ProblemPart>& errors, const Reject* reject) {
  Response response = no_store();
  response.status = http_status(code);
  response.content_type = "application/problem+json";
  if (response.status == 401)
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"jcn\"");
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  JsonWriter json(response.body);
  json.open('{');
  json.key("type").string("about:blank");
  json.key("title").string(reason_phrase(response.status));
  json.key("status").number(static_cast<std::uint64_t>(response.status));
  // Details may quote paths: never anything but valid UTF-8 in an answer.
  json.key("detail").bytes(detail);
  if (reject) {
    write_place(json, *reject);
  } else {
    json.key("code").string(code_name(code));
  }
  if (!hint.empty()) json.key("hint").bytes(hint);
  if (!errors.empty()) {
    json.key("errors").open('[');
    for (const ProblemPart& part : errors) {
      json.open('{').key("pointer").bytes(part.pointer).key("detail").bytes(part.detail).close('}');
    }
    json.close(']');
  }
  json.close('}');
  return response;
}

}  // namespace

Response problem(Code code, std::string_view detail, std::string_view hint,
                 const std::vector<ProblemPart>& errors) {
  return written(code, detail, hint, errors, nullptr);
}

Response problem(const Reject& reject) {
  return written(reject.code, reject.message, "Nothing was written.", {}, &reject);
}

Response problem(const Error& error) {
  return problem(error.code, error.message, error.hint);
}

}  // namespace jcn
