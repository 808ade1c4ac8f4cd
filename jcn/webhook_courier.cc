#include "webhook_courier.h"

#include <algorithm>
#include <utility>

#include "feed_walk.h"
#include "growing_pause.h"
#include "jcn/canonical.h"
#include "json_writer.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;

// A page is read in this time, and may be a little larger than this.
constexpr milliseconds page_time{20};
constexpr std::size_t page_bytes = 256 << 10;
// A receiver that is away is asked so often with the same change before others have a try.
constexpr std::uint64_t attempts_before_parking = 3;
// One that refuses so many different changes, one after the other, is as good as away.
constexpr std::uint64_t refusals_before_pause = 5;
constexpr std::int64_t give_up_after_ns = 3 * 86'400'000'000'000;  // three days
constexpr std::chrono::minutes between_looks_for_superseded{1};

// Nobody spoke, or somebody who says that it is not the change's fault.
bool is_away(const WebhookOutcome& outcome) {
  static constexpr int later[] = {408, 425, 429, 502, 503, 504};
  return outcome.status == 0 || !outcome.error.empty() ||
         std::find(std::begin(later), std::end(later), outcome.status) != std::end(later);
}

std::string shown_url(const std::string& url) {
  const std::size_t query = url.find('?');
  return query == std::string::npos ? url : url.substr(0, query) + "?…";
}

std::string error_text(const WebhookOutcome& outcome) {
  if (!outcome.error.empty()) return outcome.error;
  return "the answer's status is " + std::to_string(outcome.status);
}

std::string member_text(std::string_view object, std::string_view name) {
  const auto value = json_member(object, name);
  return value ? json_unquote(*value) : std::string();
}

// What became of a parked change.
enum class Standing : std::uint8_t {
  stands,      // it is still its record's latest
  superseded,  // its record has a later one
  forgotten,   // it is so long ago that deletions are not known any more: this may have been one
};

Result<Standing> standing(const Snapshot& snapshot, std::uint64_t seq, const RecordKey& key) {
  bool found = false;
  JCN_CHECK(for_each_change(snapshot, seq - 1, [&](const Change& change) {
    found = change.seq == seq && change.key == key;
    return false;
  }));
  if (found) return Standing::stands;
  JCN_TRY(const FeedHorizon horizon, feed_horizon(snapshot, {seq, 0}));
  if (seq > horizon.pruned) return Standing::superseded;
  JCN_TRY(const auto head, snapshot.head(key));
  return head ? Standing::superseded : Standing::forgotten;
}

}  // namespace

milliseconds webhook_pause(std::uint64_t attempts, milliseconds first, milliseconds longest,
                           double random) {
  const milliseconds whole = growing_pause(attempts, first, longest);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) *
                                                (0.5 + std::clamp(random, 0.0, 1.0) / 2)));
}

WebhookCourier::WebhookCourier(WebhookConfig config, FeedRequest asked, WebhookState state,
                               std::uint32_t seed)
    : config_(std::move(config)),
      asked_(std::move(asked)),
      state_(std::move(state)),
      random_(seed),
      batch_(config_.batch) {
  wake_if_elsewhere();
}

// Another address may be one that is there.
void WebhookCourier::wake_if_elsewhere() {
  if (!state_.gone || state_.gone_at.empty() || state_.gone_at == webhook_address(config_.url))
    return;
  state_.gone = false;
  state_.gone_at.clear();
  unsaved_ = true;
}

void WebhookCourier::go_on_from(WebhookState state) {
  state_ = std::move(state);
  more_ = true;
  wake_if_elsewhere();
}

void WebhookCourier::reconfigure(WebhookConfig config, FeedRequest asked) {
  config_ = std::move(config);
  wake_if_elsewhere();
  asked_ = std::move(asked);
  batch_ = std::min(batch_, config_.batch);
  resume_at_ = {};
  more_ = true;
}

bool WebhookCourier::wants(Time now, std::uint64_t news) const {
  if (sent_ || state_.gone || now < resume_at_) return false;
  if (state_.fresh || more_ || seen_news_ != news) return true;
  const auto at = due();
  return at && *at <= now;
}

std::optional<WebhookCourier::Time> WebhookCourier::due() const {
  if (sent_ || state_.gone) return std::nullopt;
  std::optional<Time> at;
  if (state_.fresh || more_) at = Time{};
  for (const auto& [seq, parked] : state_.parked) {
    if (parked.given_up) continue;
    const auto known = due_.find(seq);
    const Time when = known == due_.end() ? Time{} : known->second;
    at = at ? std::min(*at, when) : when;
  }
  if (stalled_) at = at ? std::min(*at, look_again_at_) : look_again_at_;
  return at ? std::optional(std::max(*at, resume_at_)) : std::nullopt;
}

void WebhookCourier::begin_anew(const Snapshot& snapshot) {
  state_.place = FeedSeq{snapshot.uuid(), {snapshot.seq(), 0}};
  state_.fresh = true;
  state_.parked.clear();
  state_.told = snapshot.seq();
  due_.clear();
  attempts_at_head_ = 0;
  stalled_ = false;
  unsaved_ = true;
}

Result<void> WebhookCourier::take_place(const Snapshot& snapshot) {
  if (!state_.place || state_.place->uuid != snapshot.uuid()) {
    begin_anew(snapshot);
    return {};
  }
  JCN_TRY(const FeedHorizon horizon, feed_horizon(snapshot, state_.place->place));
  bool continues = horizon.continues;
  if (continues && state_.told > state_.place->place.seq) {
    JCN_TRY(const FeedHorizon of_told, feed_horizon(snapshot, {state_.told, snapshot.seq()}));
    continues = of_told.continues;
  }
  if (!continues) begin_anew(snapshot);
  return {};
}

Result<std::optional<WebhookPost>> WebhookCourier::next(const Snapshot& snapshot, const Moment& now,
                                                        std::uint64_t news) {
  if (sent_ || state_.gone || now.steady < resume_at_) return std::optional<WebhookPost>();
  JCN_CHECK(take_place(snapshot));
  if (!state_.fresh) {
    parked_next_ = !parked_next_;
    for (const bool parked : {parked_next_, !parked_next_}) {
      JCN_TRY(auto found, parked ? parked_post(snapshot, now) : page_post(snapshot, now));
      if (!parked) seen_news_ = news;
      if (found) return found;
      if (state_.fresh) break;  // it was found on the way that all begins anew
    }
  }
  if (!state_.fresh) return std::optional<WebhookPost>();
  Sent sent;
  sent.kind = Sent::Kind::fresh;
  return std::optional(
      post(std::move(sent), "fresh", ",\"last_seq\":" + json_quote(feed_seq_text(*state_.place))));
}

// The oldest that is due. Those that the feed has later changes of are told of by these.
Result<std::optional<WebhookPost>> WebhookCourier::parked_post(const Snapshot& snapshot,
                                                               const Moment& now) {
  for (auto it = state_.parked.begin(); it != state_.parked.end();) {
    const auto& [seq, parked] = *it;
    const auto at = due_.find(seq);
    if (parked.given_up || (at != due_.end() && at->second > now.steady)) {
      ++it;
      continue;
    }
    JCN_TRY(const Standing now_is, standing(snapshot, seq, parked.key));
    if (now_is == Standing::forgotten) {
      begin_anew(snapshot);
      return std::optional<WebhookPost>();
    }
    if (now_is == Standing::superseded) {
      it = forget(it);
      continue;
    }
    FeedRequest one = asked_;
    one.kinds = {parked.key.kind};
    one.ids = {parked.key.id};
    FeedSeq before{state_.place->uuid, {seq - 1, 0}};
    // Deletions may have been forgotten since: they are not what is asked for.
    JCN_TRY(const FeedHorizon horizon, feed_horizon(snapshot, before.place));
    if (!horizon.continues) before.place.until = snapshot.seq();
    one.since = before;
    FeedWalk walk(one);
    FeedBounds bounds;
    bounds.rows = 1;
    bounds.until = {};  // one change is looked at, and that is this one
    JCN_TRY(const FeedPage page, walk.next(snapshot, bounds));
    if (page.fresh) {
      begin_anew(snapshot);
      return std::optional<WebhookPost>();
    }
    if (page.rows == 0) {  // the filter is another one by now, and leaves it out
      it = forget(it);
      continue;
    }
    Sent sent;
    sent.kind = Sent::Kind::parked;
    sent.rows = 1;
    sent.seq = seq;
    sent.key = parked.key;
    return std::optional(post(std::move(sent), "changes", ",\"results\":[" + page.text + "]"));
  }
  return std::optional<WebhookPost>();
}

Result<void> WebhookCourier::drop_superseded(const Snapshot& snapshot) {
  for (auto it = state_.parked.begin(); it != state_.parked.end();) {
    JCN_TRY(const Standing now_is, standing(snapshot, it->first, it->second.key));
    if (now_is == Standing::forgotten) {
      begin_anew(snapshot);
      return {};
    }
    if (now_is == Standing::stands) {
      ++it;
      continue;
    }
    it = forget(it);
  }
  return {};
}

std::map<std::uint64_t, ParkedChange>::iterator WebhookCourier::forget(
    std::map<std::uint64_t, ParkedChange>::iterator parked) {
  due_.erase(parked->first);
  unsaved_ = true;
  return state_.parked.erase(parked);
}

bool WebhookCourier::full() const {
  const auto waits = [](const auto& each) { return !each.second.given_up; };
  return state_.parked.size() >= most_parked ||
         (state_.parked.size() >= most_waiting &&
          static_cast<std::size_t>(
              std::count_if(state_.parked.begin(), state_.parked.end(), waits)) >= most_waiting);
}

Result<std::optional<WebhookPost>> WebhookCourier::page_post(const Snapshot& snapshot,
                                                             const Moment& now) {
  if (!state_.parked.empty() && now.steady >= look_again_at_) {
    look_again_at_ = now.steady + between_looks_for_superseded;
    JCN_CHECK(drop_superseded(snapshot));
    if (state_.fresh) return std::optional<WebhookPost>();
  }
  stalled_ = full();
  if (stalled_) {
    more_ = false;
    return std::optional<WebhookPost>();
  }
  asked_.since = *state_.place;
  FeedWalk walk(asked_);
  FeedBounds bounds;
  bounds.rows = batch_;
  bounds.bytes = page_bytes;
  bounds.until = std::chrono::steady_clock::now() + page_time;
  JCN_TRY(const FeedPage page, walk.next(snapshot, bounds));
  if (page.fresh) {
    begin_anew(snapshot);
    return std::optional<WebhookPost>();
  }
  more_ = page.more;
  const auto after = read_feed_seq(page.last_seq);
  if (!after) return Error{Code::internal, "a place of the feed cannot be read again", ""};
  if (page.rows == 0) {
    unsaved_ = unsaved_ || state_.place != after;
    state_.place = after;
    return std::optional<WebhookPost>();
  }
  Sent sent;
  sent.kind = Sent::Kind::page;
  sent.rows = page.rows;
  sent.after = *after;
  if (after->place.seq > state_.told) {
    state_.told = after->place.seq;
    unsaved_ = true;
  }
  if (page.rows == 1) {
    sent.key = {member_text(page.text, "kind"), member_text(page.text, "id")};
    const auto seq = read_feed_seq(member_text(page.text, "seq"));
    if (!seq) return Error{Code::internal, "a row of the feed cannot be read again", ""};
    sent.seq = seq->place.seq;
  }
  return std::optional(post(std::move(sent), "changes", ",\"results\":[" + page.text + "]"));
}

WebhookPost WebhookCourier::post(Sent sent, const std::string& type, const std::string& members) {
  sent_ = std::move(sent);
  sent_->url = config_.url;
  WebhookPost made;
  made.body =
      "{\"type\":" + json_quote(type) + ",\"webhook\":" + json_quote(config_.name) + members + "}";
  made.id = "msg_" + hash128(made.body).hex();
  return made;
}

void WebhookCourier::answered(const WebhookOutcome& outcome, const Moment& now) {
  if (!sent_) return;
  const Sent sent = *std::exchange(sent_, std::nullopt);
  ++posts_;
  if (outcome.delivered()) {
    delivered(sent, now);
  } else {
    ++failed_posts_;
    refused(sent, outcome, now);
  }
}

void WebhookCourier::delivered(const Sent& sent, const Moment& now) {
  failures_in_row_ = 0;
  resume_at_ = {};
  failing_since_ns_.reset();
  delivered_ns_ = now.wall_ns;
  delivered_ += sent.rows;
  unsaved_ = true;
  if (sent.overtaken) return;
  switch (sent.kind) {
    case Sent::Kind::fresh:
      state_.fresh = false;
      more_ = true;
      break;
    case Sent::Kind::parked:
      state_.parked.erase(sent.seq);
      due_.erase(sent.seq);
      more_ = more_ || stalled_;
      break;
    case Sent::Kind::page: {
      // After a replay some of it may have been parked before.
      const auto first = state_.parked.upper_bound(state_.place->place.seq);
      const auto last = state_.parked.upper_bound(sent.after.place.seq);
      for (auto it = first; it != last; ++it) due_.erase(it->first);
      state_.parked.erase(first, last);
      state_.place = sent.after;
      attempts_at_head_ = 0;
      batch_ = std::min(batch_ * 2, config_.batch);
      break;
    }
  }
}

WebhookCourier::Time WebhookCourier::after_pause(const Moment& now, std::uint64_t attempts,
                                                 const WebhookOutcome& outcome) {
  milliseconds pause = webhook_pause(attempts, config_.retry_first, config_.retry_longest,
                                     std::uniform_real_distribution<double>(0, 1)(random_));
  if (outcome.retry_after) {
    // Bounded before it is made milliseconds: it may be any number.
    const auto longest = std::chrono::duration_cast<std::chrono::seconds>(config_.retry_longest);
    pause = std::max<milliseconds>(pause, std::min(*outcome.retry_after, longest));
  }
  return now.steady + pause;
}

void WebhookCourier::refused(const Sent& sent, const WebhookOutcome& outcome, const Moment& now) {
  if (!failing_since_ns_) failing_since_ns_ = now.wall_ns;
  last_error_ = error_text(outcome);
  if (outcome.status == 410 && outcome.error.empty()) {
    state_.gone = true;
    state_.gone_at = webhook_address(sent.url);
    wake_if_elsewhere();
    unsaved_ = true;
    more_ = true;  // whoever wakes it goes on from here
    return;
  }
  const bool away = is_away(outcome);
  if (sent.kind == Sent::Kind::parked) {
    if (outcome.retry_after) resume_at_ = after_pause(now, 1, outcome);
  } else if (++failures_in_row_ >= refusals_before_pause || away ||
             sent.kind == Sent::Kind::fresh) {
    resume_at_ = after_pause(now, failures_in_row_, outcome);
  }
  if (sent.overtaken || sent.kind == Sent::Kind::fresh) return;
  if (sent.kind == Sent::Kind::parked) {
    const auto it = state_.parked.find(sent.seq);
    if (it == state_.parked.end()) return;
    ParkedChange& parked = it->second;
    ++parked.attempts;
    parked.last_ns = now.wall_ns;
    parked.status = outcome.status;
    parked.error = *last_error_;
    parked.given_up = now.wall_ns - parked.first_ns > give_up_after_ns;
    due_[sent.seq] = after_pause(now, parked.attempts, outcome);
    unsaved_ = true;
    return;
  }
  more_ = true;
  batch_ = 1;  // one of them may be what is wrong
  if (sent.rows > 1) return;
  ++attempts_at_head_;
  if (away && attempts_at_head_ < attempts_before_parking) return;
  ParkedChange parked;
  parked.key = sent.key;
  parked.attempts = away ? attempts_at_head_ : 1;
  parked.first_ns = parked.last_ns = now.wall_ns;
  parked.status = outcome.status;
  parked.error = *last_error_;
  state_.parked.insert_or_assign(sent.seq, std::move(parked));
  due_[sent.seq] = after_pause(now, attempts_at_head_, outcome);
  state_.place = sent.after;
  attempts_at_head_ = 0;
  unsaved_ = true;
}

void WebhookCourier::replay(const std::optional<FeedSeq>& place, const Moment& now) {
  if (sent_) sent_->overtaken = place.has_value();
  if (place) {
    state_.place = *place;
    state_.fresh = false;
    attempts_at_head_ = 0;
  }
  for (auto& [seq, parked] : state_.parked) {
    if (parked.given_up) parked.first_ns = now.wall_ns;
    parked.given_up = false;
  }
  due_.clear();
  state_.gone = false;
  state_.gone_at.clear();
  resume_at_ = {};
  more_ = true;
  unsaved_ = true;
}

std::size_t WebhookCourier::discard(const std::optional<FeedSeq>& which) {
  const std::size_t before = state_.parked.size();
  for (auto it = state_.parked.begin(); it != state_.parked.end();) {
    const bool meant =
        which ? *which == FeedSeq{state_.place->uuid, {it->first, 0}} : it->second.given_up;
    it = meant ? forget(it) : std::next(it);
  }
  more_ = more_ || stalled_;
  return before - state_.parked.size();
}

WebhookStatus WebhookCourier::status(std::uint64_t head) const {
  WebhookStatus status;
  status.name = config_.name;
  status.url = shown_url(config_.url);
  status.state = state_.gone         ? "gone"
                 : stalled_          ? "stalled"
                 : failing_since_ns_ ? "failing"
                 : !state_.place     ? "waiting"
                                     : "delivering";
  if (state_.place) {
    status.place = feed_seq_text(*state_.place);
    status.behind = head - std::min(head, state_.place->place.seq);
  }
  status.parked = state_.parked.size();
  for (const auto& [seq, parked] : state_.parked) status.given_up += parked.given_up ? 1 : 0;
  status.delivered = delivered_;
  status.posts = posts_;
  status.failed_posts = failed_posts_;
  status.delivered_ns = delivered_ns_;
  status.failing_since_ns = failing_since_ns_;
  status.last_error = last_error_;
  return status;
}

std::vector<WebhookFailure> WebhookCourier::failures() const {
  std::vector<WebhookFailure> all;
  for (const auto& [seq, parked] : state_.parked)
    all.push_back({feed_seq_text({state_.place->uuid, {seq, 0}}), parked});
  return all;
}

}  // namespace jcn
