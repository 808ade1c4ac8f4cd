#include "site.h"

#include <xxhash.h>

#include <optional>
#include <variant>

#include "jcn/canonical.h"
#include "list_page.h"
#include "oembed.h"
#include "origins.h"
#include "problem_page.h"
#include "query_string.h"
#include "video.h"
#include "watch_page.h"

namespace cgi {
namespace {

using Outcome = std::variant<Response, Problem>;

// A request whose host is one of the site's.
struct Visit {
  const SiteSettings& settings;
  const Request& request;
  const Ask& ask;
  QueryString query;
  std::string host;

  std::string origin() const { return request.scheme + "://" + host; }
};

struct Told {
  Video video;
  std::vector<Origin> origins;
};

// The video, if anybody with its address may see it.
std::variant<Told, Problem> shown(const Visit& visit, std::string_view id, bool with_origins) {
  const Problem none{404, "There is no such video."};
  if (id.empty()) return none;
  const auto said = visit.ask("/v1/" + visit.settings.kind + "/" + percent_encoded(id) +
                              (with_origins ? "?_extra=provenance" : ""));
  if (!said.ok()) {
    const Problem problem = problem_of(said.error());
    // 400: no id could be like this.
    return problem.status == 400 || problem.status == 404 ? none : problem;
  }
  std::optional<std::string_view> record = *said, provenance;
  if (with_origins) {
    record = jcn::json_member(*said, "record");
    provenance = jcn::json_member(*said, "provenance");
  }
  if (!record || jcn::json_type(*record) != jcn::JsonType::object) return away();
  Told told{read_video(std::string(id), *record), {}};
  if (told.video.visibility == Visibility::not_shown) return none;
  if (provenance && jcn::json_type(*provenance) == jcn::JsonType::object)
    told.origins = origins_of(*provenance);
  return told;
}

Outcome home(const Visit& visit) {
  const Wishes wishes(visit.query);
  const auto said = visit.ask(list_target(visit.settings, wishes));
  if (said.ok()) return list_page(visit.settings, wishes, *said);
  const Problem problem = problem_of(said.error());
  if (problem.status != 400) return problem;
  return no_list_page(visit.settings, wishes, problem.detail);
}

Outcome watch(const Visit& visit) {
  const auto found = shown(visit, visit.query.first("v"), true);
  if (const auto* problem = std::get_if<Problem>(&found)) return *problem;
  const Told& told = std::get<Told>(found);
  return watch_page(visit.settings, visit.request, told.video, told.origins, visit.origin());
}

Outcome embed(const Visit& visit) {
  const auto found = shown(visit, visit.query.first("v"), false);
  if (const auto* problem = std::get_if<Problem>(&found)) return *problem;
  return embed_page(visit.settings, visit.request, std::get<Told>(found).video);
}

Outcome oembed(const Visit& visit) {
  if (visit.query.has("format") && visit.query.first("format") != "json")
    return Problem{501, "Only JSON is spoken here."};
  const auto id = video_of_address(visit.query.first("url"), visit.host);
  if (!id) return Problem{404, "This is no address of a video here."};
  const auto found = shown(visit, *id, false);
  if (const auto* problem = std::get_if<Problem>(&found)) return *problem;
  return oembed_answer(visit.settings, visit.query, std::get<Told>(found).video, visit.origin());
}

Outcome answer(const SiteSettings& settings, const Request& request, const Ask& ask) {
  const auto host = origin_host(request);
  if (!host || !is_own_name(*host, settings)) return Problem{421, "This site has another name."};
  if (request.method != "GET" && request.method != "HEAD")
    return Problem{405, "Nothing can be changed here."};
  if (request.query_string.size() > longest_query_string)
    return Problem{414, "This address is too long."};
  const Visit visit{settings, request, ask, QueryString(request.query_string), *host};
  if (request.path == "/" || request.path.empty()) return home(visit);
  if (request.path == "/watch") return watch(visit);
  if (request.path == "/embed") return embed(visit);
  if (request.path == "/oembed") return oembed(visit);
  return not_here();
}

std::string etag_of(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  std::string out = "\"";
  for (const unsigned char byte : bytes.digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out + '"';
}

// RFC 9110 §13.1.2. A tag of ours is nowhere within another one.
bool is_known(const std::string& etag, std::string_view if_none_match) {
  return if_none_match == "*" || if_none_match.find(etag) != std::string_view::npos;
}

}  // namespace

Response respond(const SiteSettings& settings, const Request& request, const Ask& ask) {
  Outcome outcome = answer(settings, request, ask);
  Response response;
  if (const auto* problem = std::get_if<Problem>(&outcome)) {
    response = problem_page(settings, request, *problem);
    response.names_methods = problem->status == 405;
  } else {
    response = std::get<Response>(std::move(outcome));
  }
  response.may_be_framed = request.path == "/embed";
  if (response.status == 200) {
    response.etag = etag_of(response.body);
    if (is_known(response.etag, request.if_none_match)) response.status = 304;
  }
  return response;
}

}  // namespace cgi
