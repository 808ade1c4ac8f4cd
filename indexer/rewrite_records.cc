#include "rewrite_records.h"

#include <algorithm>

#include "encoding.h"
#include "jcn/compose.h"
#include "jcn/tracked_time.h"
#include "keys.h"

namespace jcn {
namespace {

// Bodies stand apart from the document for all but the only fragment of an existing record.
bool bodies_apart(const Record& record) {
  return !record.exists || record.fragments.size() != 1;
}

std::string body_row(std::string_view text) {
  BodyRow row;
  row.raw_size = text.size();
  row.stored = text;
  return encode_body_row(row);
}

}  // namespace

struct RewriteRecords::OpenSegment {
  OpenSegment(const Transaction& txn, std::uint32_t number) : blocks(txn, number) {}
  LmdbBlocks blocks;
  std::optional<Segment> segment;  // unset: its head or its dictionary is damaged
  std::shared_ptr<const Dictionary> dictionary;

  static Result<std::unique_ptr<OpenSegment>> open(const RewriteSource& source,
                                                   std::uint32_t number) {
    auto open = std::make_unique<OpenSegment>(source.txn, number);
    auto head = source.cache.head(source.txn, number);
    if (!head) {
      if (head.error().code != Code::index_damaged) return head.error();
      return open;
    }
    auto dictionary = source.cache.dictionary(source.txn, (*head)->dictionary);
    if (!dictionary) {
      if (dictionary.error().code != Code::index_damaged) return dictionary.error();
      return open;
    }
    open->dictionary = std::move(*dictionary);
    open->segment.emplace(std::move(*head), open->blocks);
    return open;
  }

  // The document block that holds a record.
  std::uint32_t block_of(std::uint32_t local) const {
    const std::vector<std::uint32_t>& firsts = segment->head().first_locals;
    const auto after = std::upper_bound(firsts.begin(), firsts.end(), local);
    return static_cast<std::uint32_t>(after - firsts.begin()) - 1;
  }
};

RewriteRecords::RewriteRecords(const RewriteSource& source, const RewriteWish& wish, Rules rules)
    : source_(source), wish_(wish), rules_(std::move(rules)) {}
RewriteRecords::~RewriteRecords() = default;

bool RewriteRecords::whole(Table table) const {
  return source_.health.state[static_cast<std::size_t>(table)] == IndexHealth::State::whole;
}

Result<void> RewriteRecords::begin() {
  if (whole(Table::ids)) {
    JCN_TRY(const auto bytes, source_.txn.get(Table::meta, meta_sums));
    const auto sums = bytes ? decode_sums(*bytes) : std::nullopt;
    if (!sums || sums->size() != table_count) return damaged("the tables' sums are unreadable");
    written_ids_ = (*sums)[static_cast<std::size_t>(Table::ids)];
    JCN_TRY(Cursor cursor, source_.txn.cursor(Table::ids));
    ids_.emplace(std::move(cursor));
    JCN_TRY(more_ids_, ids_->seek({}));
    return {};
  }
  if (!whole(Table::living)) return damaged("neither ids nor the living say what is in it");
  JCN_TRY(const auto numbers, source_.cache.segments(source_.txn));
  for (const std::uint32_t number : *numbers) {
    JCN_TRY(auto source, MergeSource::open(source_.txn, source_.cache, number));
    segments_.push_back(std::move(source));
  }
  return {};
}

Result<bool> RewriteRecords::next_place(std::string& key, Place& place) {
  if (ids_) {
    if (!more_ids_) {
      if (ids_sum_ != written_ids_) return damaged("the ids are not those that were written");
      return false;
    }
    key = ids_->key();
    const std::string_view value = ids_->value();
    ++ids_sum_.entries;
    ids_sum_.sum += entry_hash(key, value);
    const auto row = decode_id_row(value);
    if (!row) return damaged("a row of the ids table");
    place = {row->segment, row->local, row};
    JCN_TRY(more_ids_, ids_->next());
    return true;
  }
  MergeSource* source = smallest_source(segments_);
  if (!source) return false;
  key = source->key();
  place = {source->segment(), source->local(), std::nullopt};
  JCN_CHECK(source->next());
  return true;
}

Result<bool> RewriteRecords::next(RescuedRecord& record) {
  std::string key;
  Place place{};
  for (;;) {
    JCN_TRY(const bool more, next_place(key, place));
    if (!more) return false;
    record = {};
    JCN_TRY(bool have, read(key, place, record));
    if (!have) {
      JCN_TRY(have, heal(key, place, record));
    }
    if (have) {
      JCN_TRY(have, add_bodies(record));
    }
    if (have) {
      record.key = std::move(key);
      return true;
    }
    lost_.insert(std::move(key));
  }
}

// False: its block is not what was written.
Result<bool> RewriteRecords::read(const std::string& key, const Place& place,
                                  RescuedRecord& record) {
  std::unique_ptr<OpenSegment>& open = open_[place.segment];
  if (!open) {
    JCN_TRY(open, OpenSegment::open(source_, place.segment));
  }
  if (!open->segment) return false;
  const Result<SegmentEntry> entry = open->segment->entry(place.local);
  if (!entry) {
    if (entry.error().code != Code::index_damaged) return entry.error();
    return false;
  }
  auto parsed = parse_record_key(key);
  if (!parsed || (place.id && entry->seq != place.id->seq)) return false;
  record.record.key = std::move(*parsed);
  return unpack_entry(*entry, open->dictionary.get(), record.record);
}

// Composes it again from its files, when that makes what it was.
Result<bool> RewriteRecords::heal(const std::string& key, const Place& place,
                                  RescuedRecord& record) {
  auto parsed = parse_record_key(key);
  if (!parsed || !place.id || !whole(Table::files) || !whole(Table::changes)) return false;
  JCN_TRY(const auto* files, files_of(key));
  if (files->empty()) return false;
  std::vector<std::string> texts;
  texts.reserve(files->size());
  std::vector<Contribution> contributions;
  static const Rule standard;
  for (const auto& [name, row] : *files) {
    JCN_TRY(auto text, body(name, file_key_bytes(name), row));
    if (!text) return false;
    texts.push_back(std::move(*text));
    const Rule* rule = rules_.find(name);
    contributions.push_back({name, rule ? rule : &standard, texts.back()});
  }
  Composition composition = compose(contributions, rules_.wants_anchor(parsed->kind));
  Record& made = record.record;
  made.key = std::move(*parsed);
  made.seq = place.id->seq;
  made.exists = composition.exists;
  made.document = std::move(composition.document);
  if (made.exists) made.rev = hash128(made.document);
  for (const std::size_t i : composition.order) {
    const auto& [name, row] = (*files)[i];
    made.fragments.push_back({name, row.facts.size, row.facts.mtime_ns, row.serving_last_good()});
  }
  if (made.exists) {
    made.since_ns = tracked_time(rules_.tracked_pointer(made.key.kind), contributions,
                                 made.document, made.fragments);
  }
  JCN_TRY(const auto change, source_.txn.get(Table::changes, change_key(made.seq)));
  const auto known = change ? decode_change_row(*change) : std::nullopt;
  record.healed = known && known->key == key && known->rev == made.rev;
  return record.healed;
}

// Of the records in damaged blocks, once the first of them was met.
Result<const RewriteRecords::Files*> RewriteRecords::files_of(const std::string& key) {
  static const Files none;
  if (!unreadable_) {
    unreadable_.emplace();
    std::map<std::pair<std::uint32_t, std::uint32_t>, bool> blocks;  // whether they can be read
    JCN_TRY(Cursor ids, source_.txn.cursor(Table::ids));
    for (auto more = ids.seek({});; more = ids.next()) {
      if (!more) return more.error();
      if (!*more) break;
      const auto row = decode_id_row(ids.value());
      if (!row) return damaged("a row of the ids table");
      std::unique_ptr<OpenSegment>& open = open_[row->segment];
      if (!open) {
        JCN_TRY(open, OpenSegment::open(source_, row->segment));
      }
      bool readable = open->segment && row->local < open->segment->head().records;
      if (readable) {
        const auto [known, first] = blocks.try_emplace({row->segment, open->block_of(row->local)});
        if (first) {
          known->second = open->blocks.block(Section::documents, known->first.second).ok();
        }
        readable = known->second;
      }
      if (!readable) (*unreadable_)[std::string(ids.key())];
    }
    JCN_TRY(Cursor files, source_.txn.cursor(Table::files));
    for (auto more = files.seek({});; more = files.next()) {
      if (!more) return more.error();
      if (!*more) break;
      auto named = decode_file_row(files.value());
      if (!named) return damaged("a file's row");
      if (!named->row.contributes) continue;
      const auto record = unreadable_->find(record_key_bytes(*named->row.contributes));
      if (record == unreadable_->end()) continue;
      auto name = named->name ? named->name : parse_file_key(files.key());
      if (!name) return damaged("a file's key");
      record->second.emplace_back(std::move(*name), std::move(named->row));
    }
  }
  const auto found = unreadable_->find(key);
  return found == unreadable_->end() ? &none : &found->second;
}

Result<std::optional<FileRow>> RewriteRecords::file_row(const FragmentName& name) const {
  if (!whole(Table::files)) return std::optional<FileRow>();
  JCN_TRY(const auto bytes, source_.txn.get(Table::files, file_key_bytes(name)));
  auto named = bytes ? decode_file_row(*bytes) : std::nullopt;
  return named ? std::optional(std::move(named->row)) : std::nullopt;
}

// A contributing file's canonical text: as it is kept, or read again.
Result<std::optional<std::string>> RewriteRecords::body(const FragmentName& name,
                                                        const std::string& file_key,
                                                        const std::optional<FileRow>& row) {
  if (source_.health.state[static_cast<std::size_t>(Table::bodies)] != IndexHealth::State::broken) {
    JCN_TRY(const auto bytes, source_.txn.get(Table::bodies, file_key));
    if (const auto kept = bytes ? decode_body_row(*bytes) : std::nullopt) {
      if (!kept->compressed) return std::optional(std::string(kept->stored));
      const auto dictionary = source_.cache.dictionary(source_.txn, kept->dictionary);
      std::string text;
      if (dictionary && decompress(kept->stored, kept->raw_size, dictionary->get(), text)) {
        return std::optional(std::move(text));
      }
    }
  }
  // The bytes that a reject was found with are not those that still contribute.
  if (!wish_.read_again || !row || row->reject) return std::optional<std::string>();
  return wish_.read_again(name, *row);
}

// Where some contents may be damaged, each is looked at, and goes with its record. False: one of
// them is lost, and without it the record could not be composed again.
Result<bool> RewriteRecords::add_bodies(RescuedRecord& record) {
  if (bodies_are_whole(source_.health) || !bodies_apart(record.record)) return true;
  for (const FragmentInfo& fragment : record.record.fragments) {
    std::string key = file_key_bytes(fragment.name);
    JCN_TRY(const auto row, file_row(fragment.name));
    JCN_TRY(const auto text, body(fragment.name, key, row));
    if (!text) return false;
    record.bodies.emplace_back(std::move(key), body_row(*text));
  }
  return true;
}

}  // namespace jcn
