// GET /v1/changes: the feed. A page is answered whole; feeds that wait hold a place at the gate,
// and between two pages nothing of the index.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "feed_walk.h"
#include "problem.h"
#include "routes.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Time = steady_clock::time_point;

constexpr milliseconds default_longpoll_timeout{60'000};
// Of streams: so much at most is in memory for each client that reads slowly.
constexpr std::uint64_t piece_rows = 1000;
constexpr std::size_t piece_bytes = 256 << 10;
constexpr milliseconds piece_time{500};

constexpr std::string_view retry_soon = "retry: 3000\n\n";
constexpr std::string_view retry_later = "retry: 10000\n\n";

// What a feed keeps between its pages.
struct Feed {
  Feed(Service& given_service, FeedRequest request, FeedGate::Who asks)
      : service(given_service), asked(std::move(request)), who(asks) {}
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  Service& service;
  const FeedRequest asked;
  const FeedGate::Who who;
  FeedWalk walk{asked};
  std::optional<FeedGate::Place> place;            // of those that wait
  std::shared_ptr<const PageBudget::Share> share;  // of the page that is answered whole
};

// The snapshot is gone when it returns.
Result<FeedPage> next_page(Feed& feed, FeedBounds bounds, milliseconds time) {
  const auto answering = feed.service.answering();
  JCN_TRY(const Snapshot snapshot, feed.service.snapshot());
  bounds.until = steady_clock::now() + time;
  Result<FeedPage> page = feed.walk.next(snapshot, bounds);
  // Streams end with the index that they were read from; who comes back is told what to do.
  if (!answering || feed.service.answering() != answering) {
    return Error{Code::not_ready, "The index is made again from the files.", ""};
  }
  if (!page) feed.service.failed(page.error());
  return page;
}

// One that is answered whole.
Result<FeedPage> whole_page(Feed& feed) {
  feed.share = feed.service.pages.take();
  FeedBounds bounds;
  bounds.bytes = feed.share->bytes();
  if (feed.asked.limit) bounds.rows = std::min(bounds.rows, *feed.asked.limit);
  return next_page(feed, bounds, feed.service.query_timeout() / 2);
}

std::string_view content_type(FeedMode mode) {
  switch (mode) {
    case FeedMode::continuous:
      return "application/x-ndjson";
    case FeedMode::eventsource:
      return "text/event-stream";
    default:
      return "application/json";
  }
}

Response response_of(FeedMode mode) {
  Response response = no_store();
  response.content_type = content_type(mode);
  return response;
}

Response page_response(const Feed& feed, const FeedPage& page) {
  Response response = response_of(FeedMode::normal);
  response.keeps = feed.share;
  response.body = feed_page_text(page);
  return response;
}

// Goes on after a first page without a row.
bool run_longpoll(Feed& feed, FeedPage page, const PieceSink& send) {
  const Time end = steady_clock::now() + feed.asked.timeout.value_or(default_longpoll_timeout);
  Time spoken = steady_clock::now();
  while (page.rows == 0 && !page.fresh && steady_clock::now() < end) {
    if (!page.more) {
      const Time until = std::min(end, spoken + feed.asked.heartbeat);
      if (feed.service.feeds().wait(page.seq, until) == FeedGate::News::closed) break;
    }
    if (steady_clock::now() >= spoken + feed.asked.heartbeat) {
      if (!send("\n")) return false;  // JSON may begin with spaces
      spoken = steady_clock::now();
    }
    auto next = whole_page(feed);
    if (!next) return false;
    page = std::move(*next);
    if (page.rows == 0) feed.share.reset();  // nothing is held while it waits
  }
  return send(feed_page_text(page));
}

std::string heartbeat_text(const FeedRequest& asked, const std::string& last_seq) {
  if (asked.narrowed()) return checkpoint_text(asked.mode, last_seq);
  return asked.mode == FeedMode::continuous ? "\n" : ":\n\n";
}

Result<FeedPage> piece(Feed& feed, std::uint64_t rows) {
  return next_page(feed, {std::min(rows, piece_rows), piece_bytes, {}}, piece_time);
}

// Begins with the page that was made before the answer's head was sent.
bool run_stream(Feed& feed, FeedPage page, const PieceSink& send) {
  const FeedRequest& asked = feed.asked;
  if (asked.mode == FeedMode::eventsource && !send(retry_soon)) return false;
  std::uint64_t left = asked.limit.value_or(~std::uint64_t{0});
  Time spoken = steady_clock::now(), quiet_since = spoken;
  for (bool first = true;; first = false) {
    if (!page.text.empty()) {
      if (!send(std::exchange(page.text, {}))) return false;  // while it waits, none of it is held
      spoken = steady_clock::now();
    }
    // Who is cut off before the first row comes back to this place, not to where `now` is then.
    if (first && page.rows == 0 && asked.mode == FeedMode::eventsource &&
        !send(place_text(page.last_seq))) {
      return false;
    }
    if (page.rows > 0 || page.more) quiet_since = steady_clock::now();
    left -= page.rows;
    const Time end = asked.timeout ? quiet_since + *asked.timeout : Time::max();
    bool over = left == 0;
    if (!over && !page.more) {
      const Time until = std::min(end, spoken + asked.heartbeat);
      const FeedGate::News news = feed.service.feeds().wait(page.seq, until);
      over = news == FeedGate::News::closed ||
             (news == FeedGate::News::none && steady_clock::now() >= end);
    }
    if (over) {
      return asked.mode == FeedMode::eventsource ||
             send(checkpoint_text(asked.mode, page.last_seq));
    }
    if (steady_clock::now() >= spoken + asked.heartbeat) {
      if (!send(heartbeat_text(asked, page.last_seq))) return false;
      spoken = steady_clock::now();
    }
    auto next = piece(feed, left);
    if (!next) return false;
    page = std::move(*next);
  }
}

// Event streams come back by themselves, but not after an error.
Response come_back_later() {
  Response response = response_of(FeedMode::eventsource);
  response.body = retry_later;
  response.close = true;
  return response;
}

Response no_place(FeedMode mode) {
  if (mode == FeedMode::eventsource) return come_back_later();
  return problem(Code::overloaded, "As many feeds wait as may wait at once.",
                 "Come back later, or ask with feed=normal; feed.waiting of jcn.conf is how many "
                 "may wait, and the last quarter is for those who come with a token.");
}

Result<Response> answer_longpoll(const std::shared_ptr<Feed>& feed) {
  JCN_TRY(FeedPage first, whole_page(*feed));
  if (first.rows > 0 || first.fresh) return page_response(*feed, first);
  feed->share.reset();  // nothing is held while it waits
  feed->place = feed->service.feeds().enter(feed->who);
  if (!feed->place) return no_place(FeedMode::longpoll);
  Response response = response_of(FeedMode::longpoll);
  response.stream = [feed, first = std::move(first)](const PieceSink& send) {
    return run_longpoll(*feed, first, send);
  };
  return response;
}

// Where `now` is gets known before the head is sent: who has read that is told what comes after.
Result<Response> answer_stream(const std::shared_ptr<Feed>& feed) {
  const FeedMode mode = feed->asked.mode;
  feed->place = feed->service.feeds().enter(feed->who);
  if (!feed->place) return no_place(mode);
  auto first = piece(*feed, feed->asked.limit.value_or(piece_rows));
  if (!first && mode == FeedMode::eventsource) return come_back_later();
  if (!first) return first.error();
  Response response = response_of(mode);
  response.close = true;
  response.stream = [feed, page = std::move(*first)](const PieceSink& send) mutable {
    return run_stream(*feed, std::move(page), send);
  };
  return response;
}

}  // namespace

Result<Response> changes(const Call& call) {
  JCN_TRY(FeedRequest asked, read_feed(call.parameters, call.request.header("Last-Event-ID")));
  const bool known = call.request.token || !call.request.tokens_exist;
  const auto feed = std::make_shared<Feed>(call.service, std::move(asked),
                                           known ? FeedGate::Who::known : FeedGate::Who::anonymous);
  if (call.request.method == "HEAD") {  // nothing to wait for
    Response response = response_of(feed->asked.mode);
    response.stream = [](const PieceSink&) { return true; };
    return response;
  }
  switch (feed->asked.mode) {
    case FeedMode::normal:
      break;
    case FeedMode::longpoll:
      return answer_longpoll(feed);
    default:
      return answer_stream(feed);
  }
  JCN_TRY(const FeedPage page, whole_page(*feed));
  return page_response(*feed, page);
}

}  // namespace jcn
