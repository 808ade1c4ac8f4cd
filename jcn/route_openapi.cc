// GET /openapi.json: the description of all routes, as it stands in the source.
#include "entity_tag.h"
#include "openapi_text.h"
#include "routes.h"

namespace jcn {

Result<Response> openapi(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  static const std::string tag = entity_tag(hash128(openapi_text));
  Response response;
  response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (const auto condition = call.request.header("If-None-Match");
      condition && none_match_hits(*condition, tag)) {
    response.status = 304;
    return response;
  }
  response.body = openapi_text;
  return response;
}

}  // namespace jcn
