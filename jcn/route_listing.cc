// GET /v1/{kind}
#include "entity_tag.h"
#include "listing_answer.h"
#include "routes.h"

namespace jcn {
namespace {

// While nothing changed, the same question has the same answer: the tag names state and question,
// and nothing has to be asked to know it. Weak, because the plan may differ.
std::string listing_tag(const std::string& seq, const Call& call, const Hash128& walk) {
  std::string text = std::string(JCN_VERSION) + '\n' + seq + '\n' + walk.hex() + '\n';
  for (const Parameter& parameter : call.parameters.all())
    text += percent_encode(parameter.name) + '=' + percent_encode(parameter.value) + '&';
  return entity_tag(hash128(text));
}

std::string_view content_type(RowShape shape) {
  return shape == RowShape::lines ? "application/x-ndjson" : "application/json";
}

}  // namespace

Result<Response> list_records(const Call& call) {
  const std::string& kind = call.kind;
  if (call.parameters.find("_id")) return get_record_by_parameter(call);
  const std::shared_ptr<const Rules> rules = call.service.rules();
  JCN_TRY(ListingRequest asked,
          read_listing(kind, call.parameters, rules->weights(kind), rules->scope(kind)));
  asked.query.deadline = std::chrono::steady_clock::now() + call.service.query_timeout();

  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  if (!kind_is_known(snapshot, call.service, kind))
    return nothing_found(snapshot, call.service, kind, {});
  const std::string seq = sequence_text(snapshot, snapshot.seq());
  const std::string tag = listing_tag(seq, call, asked.walk);
  Response response;
  response.content_type = content_type(asked.shape);
  response.headers.emplace_back("ETag", "W/" + tag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Jcn-Seq", seq);
  if (const auto condition = call.request.header("If-None-Match");
      condition && none_match_hits(*condition, tag)) {
    response.status = 304;
    return response;
  }

  const auto share = call.service.pages.take();
  response.keeps = share;
  asked.query.page_bytes = share->bytes();
  JCN_TRY(const ListingAnswer answer, answer_listing(snapshot, asked));
  std::string next_url;
  if (answer.next) {
    next_url = next_page_url(kind, call.parameters, *answer.next);
    response.headers.emplace_back("Link", '<' + next_url + ">; rel=\"next\"");
  }
  response.body = listing_text(asked, answer, seq, next_url);
  return response;
}

}  // namespace jcn
