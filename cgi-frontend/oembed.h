// https://oembed.com, section 2.3.4.4: the rich description of a video by its address.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway.h"
#include "problem.h"
#include "query_string.h"
#include "site_settings.h"
#include "video.h"

namespace cgi {

// The id of the video whose page `url` is, on the site of this origin; absent: it is none.
std::optional<std::string> video_of_address(std::string_view url, std::string_view host);

// `query`: of the request, with maxwidth and maxheight.
std::variant<Response, Problem> oembed_answer(const SiteSettings& settings,
                                              const QueryString& query, const Video& video,
                                              std::string_view origin);

}  // namespace cgi
