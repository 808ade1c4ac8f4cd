// What went wrong with a page: said to people, and never how the site is made.
#pragma once

#include <string>

#include "jcn/result.h"

namespace cgi {

struct Problem {
  int status = 500;
  std::string detail;
  int retry_after = 0;  // seconds; 0: trying again won't help
};

Problem not_here();
// jcn can't be asked now.
Problem away();
// What an error of jcn's, or of asking it, means to a reader.
Problem problem_of(const jcn::Error& error);
// "Not here", of 404.
std::string_view title_of(int status);
// "Not Found", of 404: HTTP's own words.
std::string_view reason_of(int status);

}  // namespace cgi
