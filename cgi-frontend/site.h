// From a request to the answer: which page it is, what jcn is asked for it, and what to say when
// something goes wrong.
#pragma once

#include <functional>
#include <string>

#include "gateway.h"
#include "jcn/result.h"
#include "site_settings.h"

namespace cgi {

// Asks jcn for a target ("/v1/…", encoded): the canonical text of what it said. All questions of a
// page together may take as long as the settings say.
using Ask = std::function<jcn::Result<std::string>(const std::string& target)>;

Response respond(const SiteSettings& settings, const Request& request, const Ask& ask);

}  // namespace cgi
