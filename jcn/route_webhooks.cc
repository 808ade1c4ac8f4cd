// GET /v1/webhooks, GET /v1/webhooks/{name}/failures, POST /v1/webhooks/{name}/replay and
// …/discard.
#include "access_token.h"
#include "feed_seq.h"
#include "jcn/time_text.h"
#include "json_writer.h"
#include "routes.h"

namespace jcn {
namespace {

void time_or_null(JsonWriter& json, const std::optional<std::int64_t>& ns) {
  json.string_or_null(ns ? std::optional(rfc3339(*ns)) : std::nullopt);
}

// As for writing: whoever may ask for this makes jcn send, as often as they like, or keep silent.
Result<void> check_token(const Call& call) {
  if (call.request.token || !call.request.tokens_exist) return {};
  return Error{Code::unauthorized, "To ask for this, a request must carry a bearer token."};
}

// `since` as a place in this history's feed.
Result<FeedSeq> place_of(const std::string& since, const Snapshot& snapshot) {
  if (since == "0") return FeedSeq{snapshot.uuid(), {0, snapshot.seq()}};
  const auto place = read_feed_seq(since);
  if (!place || place->uuid != snapshot.uuid() || place->place.seq > snapshot.seq() ||
      place->place.until > snapshot.seq())
    return Error{Code::bad_parameter, "The parameter 'since' names no place in this feed.",
                 "It is 0, or what a feed of this index gave as seq or last_seq."};
  return *place;
}

}  // namespace

Result<Response> list_webhooks(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("rows").open('[');
  for (const WebhookStatus& each : call.service.webhooks().list(snapshot.seq())) {
    json.open('{').key("name").string(each.name).key("url").string(each.url);
    json.key("state").string(each.state).key("last_seq");
    json.string_or_null(each.place.empty() ? std::nullopt : std::optional(each.place));
    json.key("behind").number(each.behind).key("delivered").number(each.delivered);
    json.key("posts").number(each.posts).key("failed_posts").number(each.failed_posts);
    json.key("failures").number(each.parked).key("given_up").number(each.given_up);
    json.key("last_delivery");
    time_or_null(json, each.delivered_ns);
    json.key("failing_since");
    time_or_null(json, each.failing_since_ns);
    json.key("last_error").string_or_null(each.last_error);
    json.key("place_error").string_or_null(each.place_error).close('}');
  }
  json.close(']').close('}');
  return response;
}

Result<Response> list_webhook_failures(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  JCN_TRY(const auto failures, call.service.webhooks().failures(call.name));
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("rows").open('[');
  for (const WebhookFailure& each : failures) {
    json.open('{').key("seq").string(each.seq);
    json.key("kind").string(each.change.key.kind).key("id").string(each.change.key.id);
    json.key("attempts").number(each.change.attempts).key("status");
    json.number_or_null(each.change.status == 0
                            ? std::nullopt
                            : std::optional(static_cast<std::uint64_t>(each.change.status)));
    json.key("error").string(each.change.error);
    json.key("first").string(rfc3339(each.change.first_ns));
    json.key("last").string(rfc3339(each.change.last_ns));
    json.key("given_up").boolean(each.change.given_up).close('}');
  }
  json.close(']').close('}');
  return response;
}

Result<Response> replay_webhook(const Call& call) {
  JCN_CHECK(check_token(call));
  JCN_CHECK(call.parameters.allow({"since"}));
  std::optional<FeedSeq> place;
  if (const std::string* since = call.parameters.find("since")) {
    JCN_TRY(const Snapshot snapshot, call.service.snapshot());
    JCN_TRY(place, place_of(*since, snapshot));
  }
  JCN_CHECK(call.service.webhooks().replay(call.name, place));
  Response response = no_store();
  response.status = 202;
  JsonWriter(response.body)
      .open('{')
      .key("ok")
      .boolean(true)
      .key("name")
      .string(call.name)
      .close('}');
  return response;
}

Result<Response> discard_webhook_failures(const Call& call) {
  JCN_CHECK(check_token(call));
  JCN_CHECK(call.parameters.allow({"seq"}));
  std::optional<FeedSeq> which;
  if (const std::string* seq = call.parameters.find("seq")) {
    which = read_feed_seq(*seq);
    if (!which)
      return Error{Code::bad_parameter, "The parameter 'seq' is no place of a feed.",
                   "GET /v1/webhooks/" + call.name + "/failures says which there are."};
  }
  JCN_TRY(const std::size_t discarded, call.service.webhooks().discard(call.name, which));
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("name").string(call.name);
  json.key("discarded").number(discarded).close('}');
  return response;
}

}  // namespace jcn
