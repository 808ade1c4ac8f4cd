#include "transcode_queue.h"

#include <algorithm>

#include "answer_members.h"
#include "jcn/canonical.h"

namespace jcn_transcode {
namespace {

using jcn::Result;
using jcn_client::percent_encoded;
using jcn_client::raw_member;
using jcn_client::text_member;

constexpr const char* unfinished = "transcode.state__in=queued,running";
constexpr std::chrono::seconds answer_time{30};  // besides the patience of the feed

}  // namespace

Queue::Queue(jcn_client::HttpClient& jcn, std::vector<std::string> kinds)
    : jcn_(jcn), kinds_(std::move(kinds)) {}

// The place first: what changes while the listing is read comes twice rather than never.
Result<void> Queue::begin() {
  JCN_TRY(const jcn_client::Answer now, jcn_.get("/v1/changes?since=now"));
  waiting_.clear();
  for (const std::string& kind : kinds_) {
    const std::string listing = "/v1/" + percent_encoded(kind) + '?' + unfinished +
                                "&_sort=uploaded_at&_col=uploaded_at&_size=1000";
    std::string next;
    do {
      auto page = jcn_.get(next.empty() ? listing : listing + "&_next=" + percent_encoded(next));
      if (!page.ok() && page.error().code == jcn::Code::no_such_kind) break;  // none yet
      if (!page.ok()) return std::move(page).error();
      const std::string rows = raw_member(page->body, "rows");
      if (rows.front() != '[') break;
      for (jcn::JsonCursor row(rows); row.next();) add(kind, text_member(row.value(), "_id"));
      next = text_member(page->body, "next");
    } while (!next.empty());
  }
  since_ = text_member(now.body, "last_seq");
  return {};
}

void Queue::add(const std::string& kind, const std::string& id) {
  const auto [place, is_new] = waiting_.try_emplace(Waiting{kind, id});
  if (is_new) place->second.order = ++last_order_;
}

void Queue::apply(std::string_view row) {
  const std::string kind = text_member(row, "kind"), id = text_member(row, "id");
  const bool gone = raw_member(row, "deleted") == "true";
  if (kind == leases_kind) {
    for (auto& [waiting, entry] : waiting_) {
      if (gone && entry.claim == id) entry.put_off_until.reset();
    }
  }
  if (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) return;
  if (gone || raw_member(row, "match") == "false") {
    waiting_.erase(Waiting{kind, id});
  } else {
    add(kind, id);
  }
}

Result<jcn_client::Answer> Queue::changes(const std::string& feed,
                                          std::chrono::milliseconds patience) {
  std::string target = "/v1/changes?feed=" + feed + "&kind=";
  for (const std::string& kind : kinds_) target += percent_encoded(kind) + ',';
  target += std::string(leases_kind) + '&' + unfinished + "&since=" + percent_encoded(since_) +
            "&timeout=" + std::to_string(patience.count());
  return jcn_.ask({.target = target, .timeout = patience + answer_time});
}

Result<bool> Queue::follow(std::chrono::milliseconds patience) {
  if (since_.empty()) {
    JCN_CHECK(begin());
    return true;
  }
  auto told = changes("longpoll", patience);
  // Others may have taken all places in which feeds wait, for as long as they like. What there is
  // to tell is told without one, and how far the feed was looked through.
  const bool no_place = !told.ok() && told.error().code == jcn::Code::overloaded;
  if (no_place) told = changes("normal", std::chrono::milliseconds(0));
  JCN_TRY(const jcn_client::Answer page, std::move(told));
  if (raw_member(page.body, "fresh") == "true") {
    since_.clear();
    JCN_CHECK(begin());
    return true;
  }
  const std::string results = raw_member(page.body, "results");
  if (results.front() == '[') {
    for (jcn::JsonCursor row(results); row.next();) apply(row.value());
  }
  since_ = text_member(page.body, "last_seq");
  return !no_place || results != "[]" || raw_member(page.body, "more") == "true";
}

std::optional<Waiting> Queue::next(Clock::time_point now) const {
  const Waiting* found = nullptr;
  std::uint64_t order = 0;
  for (const auto& [waiting, entry] : waiting_) {
    if (entry.put_off_until && *entry.put_off_until > now) continue;
    if (found != nullptr && entry.order > order) continue;
    found = &waiting;
    order = entry.order;
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::optional<Clock::time_point> Queue::next_due() const {
  std::optional<Clock::time_point> due;
  for (const auto& [waiting, entry] : waiting_) {
    if (entry.put_off_until && (!due || *entry.put_off_until < *due)) due = entry.put_off_until;
  }
  return due;
}

void Queue::put_off(const Waiting& waiting, Clock::time_point until, std::string claim) {
  const auto place = waiting_.find(waiting);
  if (place == waiting_.end()) return;
  place->second.put_off_until = until;
  place->second.claim = std::move(claim);
}

}  // namespace jcn_transcode
