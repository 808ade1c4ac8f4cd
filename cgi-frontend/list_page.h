// The list of videos with search, facets, order and pages: apache/jcn_site/templates/home.html and
// list.html.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway.h"
#include "query_string.h"
#include "site_settings.h"

namespace cgi {

// What a reader asks the list for.
struct Wishes {
  std::string_view searched;
  std::size_t order = 0;  // a row of the table of orders
  // Chosen values of each facet, in the order of the table of facets.
  std::vector<std::vector<std::string_view>> chosen;
  std::string_view page;  // a token of jcn's

  // Views into `query`, which stays.
  explicit Wishes(const QueryString& query);
};

// What jcn is asked: of what may be in lists, only that which is public.
std::string list_target(const SiteSettings& settings, const Wishes& wishes);
// `said`: jcn's answer, canonical text.
Response list_page(const SiteSettings& settings, const Wishes& wishes, std::string_view said);
// Nothing can be searched like this, or the page of a list that is no more.
Response no_list_page(const SiteSettings& settings, const Wishes& wishes,
                      std::string_view complaint);

}  // namespace cgi
