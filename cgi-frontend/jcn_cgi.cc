// jcn.cgi: the video site's pages for hosts without Python, as CGI or FastCGI; README.md beside it.
// Web servers may put parts of the query string on the command line: it is never looked at.

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "asking.h"
#include "fastcgi.h"
#include "gateway.h"
#include "http_client.h"
#include "problem_page.h"
#include "site.h"
#include "site_settings.h"

namespace {

// A web server that still has something to hand over when this process ends may miss its answer.
void throw_body_away() {
  constexpr std::size_t largest = 1 << 20;
  const char* said = getenv("CONTENT_LENGTH");
  std::size_t rest = said == nullptr ? 0 : std::strtoull(said, nullptr, 10);
  std::array<char, 4096> some;
  for (rest = std::min(rest, largest); rest > 0;) {
    const std::size_t got = std::fread(some.data(), 1, std::min(rest, some.size()), stdin);
    if (got == 0) return;
    rest -= got;
  }
}

// One CGI request, from the environment to standard output.
int answer_once(const cgi::SiteSettings& settings, const cgi::Ask& ask) {
  const cgi::Request request = cgi::read_request(getenv);
  const std::string said =
      cgi::as_cgi(cgi::respond(settings, request, ask), request.method != "HEAD");
  throw_body_away();
  const bool written = std::fwrite(said.data(), 1, said.size(), stdout) == said.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}

// A site that is set up wrongly says so to readers, and why to its administrator.
int refuse_once() {
  const cgi::Problem problem{500, "This site is not set up. The administrator's log says why."};
  const std::string said =
      cgi::as_cgi(cgi::problem_page({}, cgi::read_request(getenv), problem), true);
  std::fwrite(said.data(), 1, said.size(), stdout);
  return 0;
}

}  // namespace

int main() {
  // 1. A web server that hangs up is no reason to die.
  std::signal(SIGPIPE, SIG_IGN);

  // 2. What are we?
  const bool fastcgi = cgi::is_fastcgi();
  if (!fastcgi && getenv("REQUEST_METHOD") == nullptr) {
    std::fprintf(stderr, "jcn.cgi: to be run by a web server; see cgi-frontend/README.md\n");
    return 2;
  }

  // 3. The administrator's values.
  const auto settings = cgi::read_site_settings(getenv);
  if (!settings.ok()) {
    std::fprintf(stderr, "jcn.cgi: %s\n", settings.error().message.c_str());
    return fastcgi ? 1 : refuse_once();
  }

  // 4. Answer.
  const jcn_client::Library library;
  return fastcgi ? cgi::serve_fastcgi(*settings) : answer_once(*settings, cgi::asking(*settings));
}
