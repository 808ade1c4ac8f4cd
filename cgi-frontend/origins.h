// Which file says what of a video: for the table beneath it. As apache/jcn_site/provenance.py.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cgi {

struct Origin {
  std::string_view member;             // of a table
  std::vector<std::string> said_by;    // paths
  std::vector<std::string> overruled;  // the files that said something else
};

// Of the members that pages show. `provenance`: the canonical text of what jcn tells of a record
// under that name.
std::vector<Origin> origins_of(std::string_view provenance);

}  // namespace cgi
