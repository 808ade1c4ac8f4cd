// How pages ask jcn.
#pragma once

#include "site.h"
#include "site_settings.h"

namespace cgi {

// Asks over a connection of its own, which is kept alive: for one thread. What was not answered
// goes to standard error, too.
Ask asking(const SiteSettings& settings);

}  // namespace cgi
