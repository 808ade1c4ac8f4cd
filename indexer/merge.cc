#include "merge.h"

#include <algorithm>
#include <utility>

#include "encoding.h"
#include "fold.h"
#include "keys.h"
#include "living.h"
#include "segment_merge.h"

namespace jcn {
namespace {

constexpr std::size_t due_segments = 8;
constexpr std::uint32_t worth_cleaning = 4096;  // records, for the 30 % rule
constexpr std::size_t most_segments = 16;       // in one merge
constexpr std::uint32_t ids_per_look = 1024;
constexpr std::uint64_t transaction_bytes = 32ULL << 20;  // of blocks, per transaction

unsigned size_class(std::uint32_t records) {
  unsigned result = 0;
  while (records >= 8) {
    records /= 8;
    ++result;
  }
  return result;
}

class Merge {
 public:
  Merge(const std::vector<std::uint32_t>& segments, SegmentCache& cache,
        MergeTransactions& transactions, const std::function<bool()>& go_on)
      : segments_(segments), cache_(cache), transactions_(transactions), go_on_(go_on) {}

  Result<MergeOutcome> run() {
    JCN_TRY(const ReadTxn reading, cache_.env().begin_read());
    MergeSources sources;
    for (const std::uint32_t number : segments_) {
      JCN_TRY(auto source, MergeSource::open(reading, cache_, number));
      sources.push_back(std::move(source));
    }
    JCN_CHECK(transactions_.begin());
    outcome_.segment = transactions_.state().next_segment++;
    JCN_TRY(auto dictionary, cache_.dictionary(reading, transactions_.state().dictionary));
    JCN_TRY(new_head_, merge_sources(
                           sources, reading, cache_, std::move(dictionary),
                           [this](Section section, std::uint32_t number, std::string payload) {
                             return write(section, number, std::move(payload));
                           },
                           [](std::string_view, const SegmentEntry&, std::uint32_t) {
                             return Result<void>();
                           }));
    outcome_.records = new_head_.records;
    if (outcome_.records == 0) outcome_.segment = 0;
    JCN_CHECK(lead_ids());
    for (const std::uint32_t number : segments_) {
      JCN_CHECK(erase_segment(transactions_.txn(), number));
    }
    JCN_CHECK(transactions_.commit());
    return outcome_;
  }

 private:
  Result<void> look_whether_to_go_on() const {
    if (!go_on_ || go_on_()) return {};
    return Error{Code::not_ready, "the merge was broken off", ""};
  }

  Result<void> write(Section section, std::uint32_t number, std::string payload) {
    if (section == Section::head) {
      head_ = std::move(payload);  // stored with the last transaction: it makes a segment whole
      return {};
    }
    JCN_CHECK(look_whether_to_go_on());
    if (written_ > transaction_bytes) {
      JCN_CHECK(transactions_.commit());
      JCN_CHECK(transactions_.begin());
      written_ = 0;
    }
    written_ += payload.size();
    if (section == Section::keys) keys_.add(section, number, payload);
    return store_block(transactions_.txn(), outcome_.segment, section, number, std::move(payload));
  }

  // Makes the ids lead into the new segment, in key order.
  Result<void> lead_ids() {
    if (outcome_.records == 0) return {};
    WriteTxn& txn = transactions_.txn();
    SegmentKeys keys(new_head_, keys_);
    while (true) {
      JCN_TRY(const bool more, keys.next());
      if (!more) break;
      if (keys.local() % ids_per_look == 0) JCN_CHECK(look_whether_to_go_on());
      JCN_TRY(const auto bytes, txn.get(Table::ids, keys.key()));
      auto row = bytes ? decode_id_row(*bytes) : std::nullopt;
      if (!row || std::find(segments_.begin(), segments_.end(), row->segment) == segments_.end()) {
        return damaged("a living record that no id leads to");
      }
      row->segment = outcome_.segment;
      row->local = keys.local();
      JCN_TRY([[maybe_unused]] const bool old,
              txn.put(Table::ids, keys.key(), encode_id_row(*row)));
    }
    JCN_CHECK(store_block(txn, outcome_.segment, Section::head, 0, std::move(head_)));
    return write_all_living(txn, outcome_.segment, outcome_.records);
  }

  const std::vector<std::uint32_t>& segments_;
  SegmentCache& cache_;
  MergeTransactions& transactions_;
  const std::function<bool()>& go_on_;
  std::string head_;  // its payload, until it is stored
  SegmentHead new_head_;
  MemoryBlocks keys_;
  std::uint64_t written_ = 0;
  MergeOutcome outcome_;
};

}  // namespace

Result<SegmentSurvey> survey_segments(const Transaction& txn, SegmentCache& cache) {
  SegmentSurvey survey;
  JCN_TRY(Cursor cursor, txn.cursor(Table::segments));
  std::string from;
  while (true) {
    JCN_TRY(const bool found, cursor.seek(from));
    if (!found) break;
    const auto parts = parse_segment_key(cursor.key());
    if (!parts) return damaged("a key of the segments table");
    const std::uint32_t number = parts->segment;
    from = segment_key(number + 1, 0, 0);
    if (parts->section != static_cast<std::uint8_t>(Section::head)) {
      survey.unfinished.push_back(number);
      continue;
    }
    JCN_TRY(const auto head, cache.head(txn, number));
    JCN_TRY(const std::vector<bool> living, read_living(txn, number, head->records));
    SegmentInfo info;
    info.records = head->records;
    info.living = static_cast<std::uint32_t>(std::count(living.begin(), living.end(), true));
    JCN_TRY(const bool more, cursor.seek(segment_key(number, last_known_section + 1, 0)));
    info.known = !more || read_be32(cursor.key()) != number;
    survey.segments.emplace(number, info);
  }
  return survey;
}

std::vector<std::uint32_t> choose_merge(const SegmentInfos& segments) {
  std::map<unsigned, std::vector<std::uint32_t>> classes;
  for (const auto& [number, info] : segments) {
    if (!info.known) continue;
    std::vector<std::uint32_t>& members = classes[size_class(info.records)];
    if (members.size() < most_segments) members.push_back(number);
  }
  for (const auto& [size, members] : classes) {
    if (members.size() >= due_segments) return members;
  }
  for (const auto& [number, info] : segments) {
    const std::uint64_t dead = info.records - info.living;
    const bool worn = info.records >= worth_cleaning && dead * 10 > std::uint64_t{info.records} * 3;
    if (info.known && worn) return {number};
  }
  return {};
}

Result<MergeOutcome> merge_segments(const std::vector<std::uint32_t>& segments, SegmentCache& cache,
                                    MergeTransactions& transactions,
                                    const std::function<bool()>& go_on) {
  return Merge(segments, cache, transactions, go_on).run();
}

}  // namespace jcn
