// The file that keeps the server's bearer token.
#pragma once

#include <string>

#include "jcn/result.h"

namespace jcn {

// The token on the first line of a file that nobody else can read or change: a regular file, owned
// by root or by this user, without permissions for others and without the group's to write. 16 to
// 512 characters of RFC 6750's b64token. Errors: bad_configuration, never with a part of the token.
// `what` names it in messages.
Result<std::string> read_token_file(const std::string& path, const char* what = "token file");

}  // namespace jcn
