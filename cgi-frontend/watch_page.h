// One video: apache/jcn_site/templates/watch.html, player.html and embed.html.
#pragma once

#include <string>
#include <vector>

#include "gateway.h"
#include "origins.h"
#include "site_settings.h"
#include "video.h"

namespace cgi {

// `origin`: of this site, as "https://videos.example".
Response watch_page(const SiteSettings& settings, const Request& request, const Video& video,
                    const std::vector<Origin>& origins, std::string_view origin);
// The same for a frame in pages of other sites.
Response embed_page(const SiteSettings& settings, const Request& request, const Video& video);

}  // namespace cgi
