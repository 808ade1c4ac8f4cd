// What is around every page: apache/jcn_site/templates/base.html.
#pragma once

#include <string_view>

#include "html.h"

namespace cgi {

struct Frame {
  std::string_view site;  // the site's name
  std::string_view title;
  Html head;
  std::string_view searched;  // what stands in the field
};

Html framed(const Frame& frame, const Html& main);

}  // namespace cgi
