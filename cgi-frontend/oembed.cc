#include "oembed.h"

#include <algorithm>
#include <cmath>

#include "html.h"
#include "jcn/canonical.h"

namespace cgi {
namespace {

// A JSON string that is safe in a script, too.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : jcn::json_quote(text)) {
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

// A number of pixels, 1 to 999,999,999; what is missing is 4096; 0: it is none.
int limit(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return 0;
  return std::stoi(std::string(text.substr(0, 9)));
}

struct Size {
  int width, height;
};

// Of the frame: 640 wide by itself, within the limits, in the video's shape.
Size fitted(const Video& video, int max_width, int max_height) {
  const double shape =
      video.width && video.height ? double(*video.height) / *video.width : 9.0 / 16;
  const int width = std::min({640, max_width, static_cast<int>(std::min(max_height / shape, 1e9))});
  return {std::max(width, 1), std::max(static_cast<int>(std::nearbyint(width * shape)), 1)};
}

}  // namespace

std::optional<std::string> video_of_address(std::string_view url, std::string_view host) {
  const std::size_t colon = url.find("://");
  if (colon == url.npos) return std::nullopt;
  std::string scheme(url.substr(0, colon));
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.remove_prefix(colon + 3);
  if (!url.starts_with(host)) return std::nullopt;
  url.remove_prefix(host.size());
  url = url.substr(0, url.find('#'));
  const std::size_t query = std::min(url.find('?'), url.size());
  if (url.substr(0, query) != "/watch") return std::nullopt;
  return std::string(QueryString(url.substr(std::min(query + 1, url.size()))).last("v"));
}

std::variant<Response, Problem> oembed_answer(const SiteSettings& settings,
                                              const QueryString& query, const Video& video,
                                              std::string_view origin) {
  const int max_width = query.has("maxwidth") ? limit(query.first("maxwidth")) : 4096;
  const int max_height = query.has("maxheight") ? limit(query.first("maxheight")) : 4096;
  if (max_width == 0) return Problem{400, "maxwidth is no number."};
  if (max_height == 0) return Problem{400, "maxheight is no number."};
  const Size size = fitted(video, max_width, max_height);
  const Html frame(
      R"(<iframe src="{}" width="{}" height="{}" title="{}" allowfullscreen></iframe>)",
      Address::page("/embed", {{"v", video.id}}).at(origin), size.width, size.height, video.title);
  const std::string width = std::to_string(size.width), height = std::to_string(size.height);
  Response response;
  response.content_type = "application/json";
  std::string& body = response.body;
  body = R"({"version":"1.0","type":"video","title":)" + quoted(video.title) + R"(,"width":)" +
         width + R"(,"height":)" + height + R"(,"provider_name":)" + quoted(settings.name) +
         R"(,"provider_url":)" + quoted(std::string(origin) + "/") + R"(,"html":)" +
         quoted(frame.text());
  if (!video.uploader.empty()) body += R"(,"author_name":)" + quoted(video.uploader);
  if (video.poster) {
    body += R"(,"thumbnail_url":)" + quoted(video.poster->at(origin).text()) +
            R"(,"thumbnail_width":)" + width + R"(,"thumbnail_height":)" + height;
  }
  body += "}\n";
  return response;
}

}  // namespace cgi
