// apache/jcn_site/templates/problem.html. Asks jcn for nothing.
#pragma once

#include "gateway.h"
#include "problem.h"
#include "site_settings.h"

namespace cgi {

Response problem_page(const SiteSettings& settings, const Request& request, const Problem& problem);

}  // namespace cgi
