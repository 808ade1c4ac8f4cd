// FastCGI on the socket that a process manager put where standard input is. fastcgi.cc alone knows
// libfcgi.
#pragma once

#include "site_settings.h"

namespace cgi {

// Whether standard input is such a socket; else this process is one CGI request.
bool is_fastcgi();

// Answers requests in settings.threads threads, until SIGTERM or SIGUSR1 (how process managers ask
// a program to end): then what has begun is finished, and the program's exit status returned. The
// calling thread must be the only one.
int serve_fastcgi(const SiteSettings& settings);

}  // namespace cgi
