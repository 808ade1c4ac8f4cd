// Who serves an index.
#pragma once

#include <optional>
#include <string>

#include "http_client.h"

namespace jcn_client {

// The daemon that serves an index, if one does.
jcn::Result<std::optional<HttpClient>> serving_daemon(const std::string& index,
                                                      const std::string& token);

}  // namespace jcn_client
