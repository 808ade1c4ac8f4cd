#include "feed_walk.h"

#include <optional>

#include "json_writer.h"

namespace jcn {
namespace {

using std::chrono::steady_clock;

void append_event(std::string& out, std::string_view event, std::string_view id,
                  std::string_view data) {
  if (!event.empty()) out.append("event: ").append(event).append("\n");
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  out.append("data: ").append(data).append("\n\n");  // canonical text has no line breaks
}

std::string fresh_text(const std::string& until) {
  std::string text;
  JsonWriter(text).open('{').key("fresh").boolean(true).key("until").string(until).close('}');
  return text;
}

}  // namespace

// Where the way begins, and whether it is still the way: true when the consumer has to begin anew.
Result<bool> FeedWalk::take_place(const Snapshot& snapshot) {
  const std::uint64_t head = snapshot.seq();
  std::string uuid = snapshot.uuid();
  bool anew = false;
  if (!begun_) {
    begun_ = true;
    if (const auto* seq = std::get_if<FeedSeq>(&asked_.since)) {
      at_ = *seq;
      anew = at_.uuid != uuid;
    } else if (std::holds_alternative<FromNow>(asked_.since)) {
      at_.place = {head, 0};
    } else {
      at_.place = {0, head};
      anew = std::holds_alternative<FromNowhere>(asked_.since);
    }
  }
  if (!at_.uuid.empty() && at_.uuid != uuid) anew = true;  // since the page before
  at_.uuid = std::move(uuid);
  JCN_TRY(const FeedHorizon horizon, feed_horizon(snapshot, at_.place));
  pruned_ = horizon.pruned;
  if (!anew && horizon.continues) return false;
  at_.place = {0, head};
  return true;
}

bool FeedWalk::wants(const RecordKey& key) const {
  return (asked_.kinds.empty() || asked_.kinds.contains(key.kind)) &&
         (asked_.ids.empty() || asked_.ids.contains(key.id));
}

// Only where old tombstones are gone does a place need to tell that it is one in a listing.
std::string FeedWalk::text_of(std::uint64_t seq) const {
  const bool listing = pruned_ > 0 && seq > 0 && seq < at_.place.until;
  return feed_seq_text({at_.uuid, {seq, listing ? at_.place.until : 0}});
}

Result<bool> FeedWalk::append_row(std::string& out, const Snapshot& snapshot,
                                  const Change& change) const {
  std::optional<Record> record;
  if (!change.deleted && (asked_.include_docs || !asked_.filters.empty())) {
    JCN_TRY(record, snapshot.record(change.key));
    if (!record || !record->exists)
      return Error{Code::index_damaged, "The feed names a record that is not there."};
  }
  const bool matches = !record || matches_all(asked_.filters, *record);
  if (!matches && asked_.only_matching) return false;
  JsonWriter json(out);
  json.open('{').key("seq").string(text_of(change.seq));
  json.key("kind").string(change.key.kind).key("id").string(change.key.id).key("rev");
  if (change.deleted) {
    json.null().key("deleted").boolean(true);
  } else {
    json.string(change.rev.hex());
    if (!matches) {
      json.key("match").boolean(false);
    } else if (asked_.include_docs) {
      json.key("doc").raw(record->document);
    }
  }
  json.close('}');
  return true;
}

void FeedWalk::append_framed(FeedPage& page, const std::string& seq, const std::string& row) const {
  switch (asked_.mode) {
    case FeedMode::normal:
    case FeedMode::longpoll:
      if (page.rows > 0) page.text += ',';
      page.text += row;
      break;
    case FeedMode::continuous:
      page.text.append(row).append("\n");
      break;
    case FeedMode::eventsource:
      append_event(page.text, {}, seq, row);
      break;
  }
}

Result<FeedPage> FeedWalk::next(const Snapshot& snapshot, const FeedBounds& bounds) {
  FeedPage page;
  JCN_TRY(page.fresh, take_place(snapshot));
  if (page.fresh) {
    page.until = feed_seq_text({at_.uuid, {at_.place.until, 0}});
    // Without an id: who does not live to hear more hears this again.
    if (asked_.mode == FeedMode::continuous) page.text = fresh_text(page.until) + "\n";
    if (asked_.mode == FeedMode::eventsource)
      append_event(page.text, "fresh", {}, fresh_text(page.until));
  }
  Result<void> failed;
  std::string row;
  bool looked = false;
  JCN_CHECK(for_each_change(snapshot, at_.place.seq, [&](const Change& change) {
    page.more = looked && (page.rows >= bounds.rows || page.text.size() >= bounds.bytes ||
                           steady_clock::now() >= bounds.until);
    if (page.more) return false;
    looked = true;
    at_.place.seq = change.seq;
    if (!wants(change.key)) return true;
    row.clear();
    const Result<bool> told = append_row(row, snapshot, change);
    if (!told) {
      failed = told.error();
      return false;
    }
    if (!*told) return true;
    append_framed(page, text_of(change.seq), row);
    ++page.rows;
    return true;
  }));
  JCN_CHECK(std::move(failed));
  if (!page.more) at_.place.seq = snapshot.seq();
  if (at_.place.seq >= at_.place.until) at_.place.until = 0;
  page.seq = at_.place.seq;
  page.last_seq = text_of(page.seq);
  return page;
}

std::string feed_page_text(const FeedPage& page) {
  std::string text;
  text.reserve(page.text.size() + 256);
  JsonWriter json(text);
  json.open('{').key("results").open('[');
  text += page.text;
  json.close(']').key("last_seq").string(page.last_seq);
  if (page.fresh) json.key("fresh").boolean(true).key("until").string(page.until);
  if (page.more) json.key("more").boolean(true);
  json.close('}');
  return text;
}

std::string checkpoint_text(FeedMode mode, const std::string& last_seq) {
  std::string json, text;
  JsonWriter(json).open('{').key("last_seq").string(last_seq).close('}');
  if (mode != FeedMode::eventsource) return json + "\n";
  append_event(text, "checkpoint", last_seq, json);
  return text;
}

std::string place_text(const std::string& last_seq) {
  return "id: " + last_seq + "\n\n";
}

}  // namespace jcn
