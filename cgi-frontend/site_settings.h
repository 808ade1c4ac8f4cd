// The administrator's values, from the environment that the web server or the service manager gave
// this process; never from a request. README.md lists them.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"

namespace cgi {

// A variable's value, or nullptr.
using Variables = std::function<const char*(const char* name)>;

struct SiteSettings {
  std::string jcn = "http://127.0.0.1:8640";  // JCN_URL
  std::string kind = "videos";                // JCN_KIND
  std::string token;                          // the first line of JCN_TOKEN_FILE
  std::string name = "Videos";                // JCN_SITE_NAME
  // JCN_SITE_HOSTS, separated by spaces: what the site is called, besides the names of this
  // machine.
  std::vector<std::string> hosts;
  unsigned page_size = 24;  // JCN_PAGE_SIZE, 1 to 1000
  unsigned threads = 8;     // JCN_THREADS, 1 to 256: requests at a time, as FastCGI
  std::chrono::milliseconds timeout =
      std::chrono::seconds(2);  // JCN_TIMEOUT_MS, 1 to 9000: of jcn, for a page
};

// Errors: bad_configuration, which names the variable.
jcn::Result<SiteSettings> read_site_settings(const Variables& environment);

}  // namespace cgi
