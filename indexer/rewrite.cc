#include "rewrite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "encoding.h"
#include "keys.h"
#include "rewrite_records.h"
#include "rewrite_target.h"
#include "search_builder.h"

namespace jcn {
namespace {

using State = IndexHealth::State;

// What is built in memory at a time: some three times as much in all.
constexpr std::size_t chunk_bytes = 32 << 20;
constexpr std::uint32_t chunk_records = 65'536;
constexpr std::uint64_t progress_step = 500;
constexpr std::uint32_t blocks_per_look = 64;

State state_of(const IndexHealth& health, Table table) {
  return health.state[static_cast<std::size_t>(table)];
}

// A segment that is being made from records in key order.
class NewSegment {
 public:
  NewSegment(std::uint32_t number, std::uint32_t dictionary, RewriteTarget& target)
      : number_(number),
        sink_([this, &target](Section section, std::uint32_t block, std::string payload) {
          return target.store(number_, section, block, std::move(payload));
        }),
        builder_(dictionary, sink_) {}

  Result<std::uint32_t> add(std::string_view key, const Record& record,
                            const Dictionary* dictionary) {
    const std::string raw = encode_entry(record);
    const auto entry = decode_entry(raw);
    if (!entry) return Error{Code::internal, "a record's entry cannot be read again", ""};
    const std::uint32_t local = builder_.next_local();
    JCN_CHECK(builder_.add(key, compress_entry(*entry, dictionary)));
    search_.add(record.key.kind, local,
                record.exists ? std::optional<std::string_view>(record.document) : std::nullopt,
                entry->created_ns, entry->updated_ns, entry->since_ns);
    bytes_ += raw.size();
    return local;
  }
  bool full() const { return bytes_ > chunk_bytes || builder_.next_local() >= chunk_records; }

  Result<std::uint32_t> finish() {
    JCN_TRY(const SegmentHead head, builder_.finish());
    JCN_CHECK(search_.write(sink_, builder_.key_begins()));
    return head.records;
  }

 private:
  const std::uint32_t number_;
  const SegmentBuilder::Sink sink_;
  SegmentBuilder builder_;
  SearchBuilder search_;
  std::size_t bytes_ = 0;
};

class Rewrite {
 public:
  Rewrite(const RewriteSource& source, LmdbEnv& target, const RewriteWish& wish)
      : source_(source), target_(target), wish_(wish) {}

  Result<RewriteResult> run() {
    JCN_CHECK(read_meta());
    JCN_CHECK(copy_dictionaries());
    if (wish_.merge) {
      JCN_CHECK(merge_records());
    } else {
      JCN_CHECK(remake_records());
    }
    JCN_CHECK(whole(Table::files) ? copy_files() : Result<void>());
    JCN_CHECK(bodies_are_whole(source_.health) ? copy_bodies() : Result<void>());
    JCN_CHECK(copy_tombstones());
    JCN_CHECK(whole(Table::changes) ? copy_changes() : write_changes());
    JCN_CHECK(copy_meta());
    JCN_CHECK(target_.commit());
    return std::move(result_);
  }

 private:
  bool whole(Table table) const { return state_of(source_.health, table) == State::whole; }

  Result<void> read_meta() {
    JCN_TRY(const auto state, source_.txn.get(Table::meta, meta_state));
    const auto row = state ? decode_state(*state) : std::nullopt;
    JCN_TRY(const auto sums, source_.txn.get(Table::meta, meta_sums));
    auto written = sums ? decode_sums(*sums) : std::nullopt;
    if (!row || !written || written->size() != table_count) {
      return damaged("the meta table's rows are unreadable");
    }
    result_.state = *row;
    result_.state.next_segment = 1;
    written_ = std::move(*written);
    result_.new_history = !whole(Table::meta);
    return {};
  }

  Result<void> tell() {
    return ++done_ % progress_step == 0 ? look_whether_to_go_on() : Result<void>();
  }

  Result<void> look_whether_to_go_on() {
    if (!wish_.go_on) return {};
    if (wish_.go_on(done_, written_[static_cast<std::size_t>(Table::ids)].entries)) return {};
    return Error{Code::not_ready, "the rewriting of the index was stopped", ""};
  }

  // One that is lost takes what was compressed with it along; the next fold trains another.
  Result<void> copy_dictionaries() {
    JCN_TRY(Cursor cursor, source_.txn.cursor(Table::dictionaries));
    for (auto more = cursor.seek({});; more = cursor.next()) {
      if (!more) return more.error();
      if (!*more) break;
      if (cursor.key().size() != 4) return damaged("a dictionary's key");
      std::string sealed(cursor.value());
      if (!unseal(sealed)) {
        // Readers may have it in memory still.
        const auto kept = source_.cache.dictionary(source_.txn, read_be32(cursor.key()));
        if (!kept) continue;
        sealed = (*kept)->bytes();
        seal(sealed);
      }
      JCN_CHECK(target_.append(Table::dictionaries, cursor.key(), sealed));
    }
    auto dictionary = source_.cache.dictionary(source_.txn, result_.state.dictionary);
    if (dictionary) {
      dictionary_ = std::move(*dictionary);
    } else if (dictionary.error().code == Code::index_damaged && !wish_.merge) {
      result_.state.dictionary = 0;
    } else {
      return dictionary.error();
    }
    return {};
  }

  // --- Records

  Result<void> place(std::string_view key, const IdRow& row, const Hash128& rev) {
    JCN_CHECK(target_.append(Table::ids, key, encode_id_row(row)));
    if (row.exists) ++result_.counts.records[std::string(key.substr(0, key.find('\0')))];
    if (!whole(Table::changes)) {
      changes_.emplace_back(row.seq, encode_change_row({std::string(key), rev, false}));
    }
    return tell();
  }

  Result<void> add_segment(std::uint32_t number, std::uint32_t records) {
    JCN_CHECK(target_.all_living(number, records));
    result_.segments[number] = {records, records, true};
    return {};
  }

  Result<void> merge_records() {
    JCN_CHECK(compare_sum(Table::living));
    JCN_TRY(const SegmentSurvey survey, survey_segments(source_.txn, source_.cache));
    for (const auto& [number, info] : survey.segments) {
      if (info.known) continue;
      return Error{Code::index_format,
                   "a segment has sections of a later version of jcn, which "
                   "would be lost",
                   "use that version"};
    }
    JCN_TRY(const auto numbers, source_.cache.segments(source_.txn));
    MergeSources sources;
    for (const std::uint32_t number : *numbers) {
      JCN_TRY(auto source, MergeSource::open(source_.txn, source_.cache, number));
      sources.push_back(std::move(source));
    }
    const std::uint32_t made = result_.state.next_segment;
    JCN_TRY(const SegmentHead head,
            merge_sources(
                sources, source_.txn, source_.cache, dictionary_,
                [&](Section section, std::uint32_t block, std::string payload) -> Result<void> {
                  if (block % blocks_per_look == 0) JCN_CHECK(look_whether_to_go_on());
                  return target_.store(made, section, block, std::move(payload));
                },
                [&](std::string_view key, const SegmentEntry& entry, std::uint32_t local) {
                  return place(key, {made, local, entry.seq, entry.exists}, entry.rev);
                }));
    if (head.records != written_[static_cast<std::size_t>(Table::ids)].entries) {
      return damaged("the living are not those that ids lead to");
    }
    // Without records there is nothing but a head.
    if (head.records == 0) return erase_head(made);
    ++result_.state.next_segment;
    return add_segment(made, head.records);
  }

  Result<void> erase_head(std::uint32_t segment) {
    JCN_TRY(WriteTxn * txn, target_.txn());
    return txn->erase_range(Table::segments, segment_key(segment, 0, 0),
                            segment_key(segment + 1, 0, 0));
  }

  Result<void> remake_records() {
    RewriteRecords records(source_, wish_, rules());
    JCN_CHECK(records.begin());
    std::unique_ptr<NewSegment> segment;
    RescuedRecord record;
    for (;;) {
      JCN_TRY(const bool more, records.next(record));
      if (segment && (!more || segment->full())) {
        JCN_TRY(const std::uint32_t count, segment->finish());
        JCN_CHECK(add_segment(result_.state.next_segment++, count));
        segment.reset();
      }
      if (!more) break;
      if (!segment) {
        segment = std::make_unique<NewSegment>(result_.state.next_segment, result_.state.dictionary,
                                               target_);
      }
      JCN_TRY(const std::uint32_t local,
              segment->add(record.key, record.record, dictionary_.get()));
      result_.healed += record.healed ? 1 : 0;
      JCN_CHECK(place(record.key,
                      {result_.state.next_segment, local, record.record.seq, record.record.exists},
                      record.record.rev));
      for (const auto& [key, row] : record.bodies) {
        JCN_CHECK(target_.put(Table::bodies, key, row));
      }
      if (!whole(Table::files)) JCN_CHECK(make_up_files(record.record));
    }
    lost_ = records.lost();
    for (const std::string& key : lost_) {
      if (auto parsed = parse_record_key(key)) result_.lost.push_back(std::move(*parsed));
    }
    result_.files_made_up = !whole(Table::files);
    return {};
  }

  // By which it was composed; the standard ones when they are lost: then nothing is healed wrongly
  // either, for the rev would differ.
  Rules rules() const {
    const auto sealed = source_.txn.get(Table::meta, meta_note_key("rules"));
    const auto text = sealed && *sealed ? unseal(**sealed) : std::nullopt;
    if (!text) return Rules{};
    auto rules = Rules::from_json(*text);
    return rules ? std::move(*rules) : Rules{};
  }

  // Rows that say which record a file is part of, and that it has to be read again.
  Result<void> make_up_files(const Record& record) {
    for (const FragmentInfo& fragment : record.fragments) {
      FileRow row;
      row.facts.size = fragment.size;
      row.facts.mtime_ns = fragment.mtime_ns;
      row.contributes = record.key;
      if (fragment.last_good) {
        row.reject = Reject{};
        row.reject->code = Code::read_error;
        row.reject->message = "not read again since the index was repaired";
      }
      const std::string key = file_key_bytes(fragment.name);
      JCN_CHECK(target_.put(Table::files, key,
                            encode_file_row(row, fragment.name, is_cut_file_key(key))));
      ++result_.counts.fragments;
      if (!row.reject) continue;
      JCN_CHECK(target_.put(Table::rejects, key, {}));
      ++result_.counts.rejects;
    }
    return {};
  }

  // --- Tables

  using Row = std::function<Result<void>(std::string_view key, std::string_view value)>;
  // Goes through a table that is as it was written, and makes sure that it is.
  Result<void> each_row(Table table, const Row& row) {
    TableSum found;
    JCN_TRY(Cursor cursor, source_.txn.cursor(table));
    for (auto more = cursor.seek({});; more = cursor.next()) {
      if (!more) return more.error();
      if (!*more) break;
      ++found.entries;
      found.sum += entry_hash(cursor.key(), cursor.value());
      JCN_CHECK(row(cursor.key(), cursor.value()));
    }
    if (found != written_[static_cast<std::size_t>(table)]) {
      return damaged("table " + std::string(table_name(table)) + " is not as it was written");
    }
    return {};
  }

  Result<void> compare_sum(Table table) {
    return each_row(table, [](std::string_view, std::string_view) { return Result<void>(); });
  }

  // But for the files of records that were given up: they are read again.
  Result<void> copy_files() {
    return each_row(Table::files,
                    [this](std::string_view key, std::string_view value) -> Result<void> {
                      if (!lost_.empty()) {
                        const auto named = decode_file_row(value);
                        if (!named) return damaged("a file's row");
                        if (named->row.contributes &&
                            lost_.contains(record_key_bytes(*named->row.contributes))) {
                          lost_files_.emplace(key);
                          return {};
                        }
                      }
                      JCN_CHECK(target_.append(Table::files, key, value));
                      ++result_.counts.fragments;
                      if (!file_row_rejected(value)) return {};
                      ++result_.counts.rejects;
                      return target_.append(Table::rejects, key, {});
                    });
  }

  Result<void> copy_bodies() {
    return each_row(Table::bodies,
                    [this](std::string_view key, std::string_view value) -> Result<void> {
                      if (!unseal(value)) return damaged("a file's kept content");
                      if (lost_files_.contains(key)) return {};
                      return target_.append(Table::bodies, key, value);
                    });
  }

  Result<void> copy_tombstones() {
    if (whole(Table::tombstones)) {
      return each_row(
          Table::tombstones, [this](std::string_view key, std::string_view value) -> Result<void> {
            const auto seq = decode_number(value);
            if (!seq) return damaged("a tombstone");
            if (!whole(Table::changes)) {
              changes_.emplace_back(*seq, encode_change_row({std::string(key), {}, true}));
            }
            return target_.append(Table::tombstones, key, value);
          });
    }
    if (!whole(Table::changes)) {
      result_.new_history = true;
      return {};
    }
    return each_row(
        Table::changes, [this](std::string_view key, std::string_view value) -> Result<void> {
          const auto row = decode_change_row(value);
          if (!row || key.size() != 8) return damaged("a row of the changes table");
          if (!row->deleted) return {};
          return target_.put(Table::tombstones, row->key, encode_number(read_be64(key)));
        });
  }

  Result<void> copy_changes() {
    return each_row(Table::changes,
                    [this](std::string_view key, std::string_view value) -> Result<void> {
                      if (!lost_.empty()) {
                        const auto row = decode_change_row(value);
                        if (!row) return damaged("a row of the changes table");
                        if (!row->deleted && lost_.contains(row->key)) return {};
                      }
                      return target_.append(Table::changes, key, value);
                    });
  }

  Result<void> write_changes() {
    std::sort(changes_.begin(), changes_.end());
    for (const auto& [seq, row] : changes_) {
      JCN_CHECK(target_.append(Table::changes, change_key(seq), row));
    }
    return {};
  }

  // Numbers of which nothing is known belong to the history: a new one has none of them.
  Result<void> copy_meta() {
    JCN_TRY(Cursor cursor, source_.txn.cursor(Table::meta));
    for (auto more = cursor.seek({});; more = cursor.next()) {
      if (!more) return more.error();
      if (!*more) break;
      const std::string_view key = cursor.key();
      const bool note = key.starts_with(meta_note_key(""));
      const bool of_history = key == meta_horizon || lost_after(key).has_value();
      if ((note && unseal(cursor.value())) || (of_history && !result_.new_history)) {
        JCN_CHECK(target_.put(Table::meta, key, cursor.value()));
      }
    }
    JCN_CHECK(target_.put(Table::meta, meta_state, encode_state(result_.state)));
    return target_.put(Table::meta, meta_counts, encode_counts(result_.counts));
  }

  const RewriteSource source_;
  RewriteTarget target_;
  const RewriteWish& wish_;
  RewriteResult result_;
  std::vector<TableSum> written_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::uint64_t done_ = 0;
  std::vector<std::pair<std::uint64_t, std::string>> changes_;  // where the table is made anew
  std::set<std::string, std::less<>> lost_, lost_files_;        // keys
};

}  // namespace

bool can_rewrite(const IndexHealth& health) {
  const auto is = [&](Table table, State state) { return state_of(health, table) == state; };
  if (!health.meta || is(Table::segments, State::broken) ||
      is(Table::dictionaries, State::broken)) {
    return false;
  }
  if (!is(Table::ids, State::whole) && !is(Table::living, State::whole)) return false;
  // Which contents are missing is known by the files alone.
  return is(Table::files, State::whole) || bodies_are_whole(health);
}

bool bodies_are_whole(const IndexHealth& health) {
  // They may be compressed with a dictionary.
  return state_of(health, Table::bodies) == State::whole &&
         state_of(health, Table::dictionaries) == State::whole;
}

Result<RewriteResult> rewrite_generation(const RewriteSource& source, LmdbEnv& target,
                                         const RewriteWish& wish) {
  return Rewrite(source, target, wish).run();
}

}  // namespace jcn
