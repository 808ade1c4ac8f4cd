// Errors as application/problem+json (RFC 9457):
//   {"type":"about:blank","title","status","detail","code","hint"?,"errors"?:[{"pointer","detail"}]}
// A verdict on a fragment that was to be written also has "line","column","offset","pointer".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jcn/codes.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "response.h"

namespace jcn {

// The HTTP status of an error with that code. A verdict on a fragment is 422.
int http_status(Code code);

struct ProblemPart {
  std::string pointer;  // RFC 6901, into the request's body; or the name of a parameter
  std::string detail;
};

Response problem(Code code, std::string_view detail, std::string_view hint = {},
                 const std::vector<ProblemPart>& errors = {});
Response problem(const Error& error);
Response problem(const Reject& reject);

}  // namespace jcn
