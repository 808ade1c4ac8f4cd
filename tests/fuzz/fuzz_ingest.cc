// Files that are dropped: bytes → check → compose → segment → read back. What passes is canonical
// and has a place among the records, whatever the order of arrival; a segment that is built of
// them, and one that is merged of two halves, say of every record what it holds, and nothing else.
//
// The first byte: which rules, and how blocks are cut. Then files, each behind a NUL: a byte for
// its name, then its content.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/compose.h"
#include "jcn/judge.h"
#include "jcn/rules.h"
#include "jcn/schema.h"
#include "keys.h"
#include "property.h"
#include "search_builder.h"
#include "search_merge.h"
#include "segment_builder.h"
#include "segment_model.h"

namespace {

using jcn::Section;

constexpr std::string_view paths[] = {"a.json",        "a.views.json", "b.json",
                                      "b/a.json",      "b/c.x.json",   "c~.json",
                                      "people/p.json", "people/q.json"};

std::vector<jcn::Rules> all_rules() {
  std::vector<jcn::Rules> made(2);
  jcn::Rules& rules = made[1];
  jcn::Rule people;
  people.kind = "people";
  people.match = "people/**";
  people.id = {{jcn::IdSource::Kind::stem, {}}};
  jcn::Rule views;
  views.match = "**/*.views.json";
  views.id = {{jcn::IdSource::Kind::pointer, "/of"}, {jcn::IdSource::Kind::stem, {}}};
  views.rank = 5;
  views.ignore_nulls = true;
  views.merge = {{jcn::MergeStrategy::Kind::union_of, "/tags"},
                 {jcn::MergeStrategy::Kind::max, "/n"},
                 {jcn::MergeStrategy::Kind::min, "/m/x"}};
  jcn::Rule videos;
  videos.order_by = "/n";
  videos.anchor = true;
  rules.rules = {people, views, videos};
  rules.prefix_path_ids = true;
  const auto schema = jcn::Schema::compile(
      R"({"type":"object","properties":{"n":{"type":"number"},"name":{"maxLength":9}},)"
      R"("not":{"required":["x","y"]}})");
  rules.schemas["people"].schema = std::get<std::shared_ptr<const jcn::Schema>>(schema);
  const auto again = jcn::Rules::from_json(rules.to_json());
  PROPERTY(again.ok() && *again == rules);
  return made;
}

struct File {
  jcn::FragmentName name;
  std::string_view bytes;
  std::string body;
};
using Fragments = std::map<jcn::RecordKey, std::map<jcn::FragmentName, File>>;

void rejected(const jcn::Reject& reject, std::string_view bytes) {
  PROPERTY(!reject.message.empty());
  PROPERTY(!reject.offset || *reject.offset <= bytes.size());
  PROPERTY(reject.line.has_value() == reject.column.has_value());
}

// The last file of a name is the one that is there.
Fragments judged(const jcn::Rules& rules, std::string_view input) {
  std::map<jcn::FragmentName, std::string_view> files;
  while (!input.empty() && files.size() < 12) {
    const std::string_view file = input.substr(0, input.find('\0'));
    input.remove_prefix(std::min(input.size(), file.size() + 1));
    if (file.empty()) continue;
    const auto number = static_cast<unsigned char>(file[0]);
    const std::string root = number & 0x40U ? "s" : "r";
    files[{root, std::string(paths[number % std::size(paths)])}] = file.substr(1);
  }
  Fragments fragments;
  for (const auto& [name, bytes] : files) {
    auto verdict = jcn::judge(rules, name, bytes);
    if (const auto* reject = std::get_if<jcn::Reject>(&verdict)) {
      rejected(*reject, bytes);
      continue;
    }
    auto& good = std::get<jcn::GoodFragment>(verdict);
    PROPERTY(jcn::valid_id(good.key.id) && jcn::valid_kind(good.key.kind));
    const auto again = jcn::judge(rules, name, good.body);
    const auto* same = std::get_if<jcn::GoodFragment>(&again);
    PROPERTY(same && same->body == good.body && same->key == good.key);
    fragments[good.key][name] = {name, bytes, std::move(good.body)};
  }
  return fragments;
}

void explained(const std::vector<jcn::Contribution>& contributions, const std::string& document) {
  for (const jcn::Origin& origin : jcn::origins(contributions)) {
    PROPERTY(origin.winner < contributions.size());
    const auto value = jcn::json_at(document, origin.pointer);
    PROPERTY(origin.removed ? !value : value == origin.value);
  }
}

jcn::Record composed(const jcn::Rules& rules, const jcn::RecordKey& key,
                     const std::map<jcn::FragmentName, File>& files) {
  std::vector<jcn::Contribution> contributions;
  for (const auto& [name, file] : files)
    contributions.push_back({name, rules.find(name), file.body});
  const bool wants_anchor = rules.wants_anchor(key.kind);
  const jcn::Composition made = jcn::compose(contributions, wants_anchor);
  PROPERTY(made.order.size() == contributions.size());
  jcn::Record record;
  record.key = key;
  record.exists = made.exists;
  record.document = made.document;
  for (const std::size_t at : made.order) {
    const File& file = files.at(contributions[at].name);
    record.fragments.push_back({file.name, file.bytes.size(),
                                static_cast<std::int64_t>(file.bytes.size() * 1'000'000'007),
                                false});
  }
  PROPERTY(made.exists != made.document.empty());
  if (made.exists) {
    record.rev = jcn::hash128(made.document);
    jcn::Limits limits;  // of one fragment's members; a record has those of all
    limits.max_members *= 12;
    const auto checked = jcn::check_json(made.document, limits);
    const auto* canonical = std::get_if<std::string>(&checked);
    PROPERTY(canonical && *canonical == made.document);
    if (files.size() == 1) PROPERTY(made.document == files.begin()->second.body);
    explained(contributions, made.document);
  }
  std::reverse(contributions.begin(), contributions.end());
  const jcn::Composition reversed = jcn::compose(contributions, wants_anchor);
  PROPERTY(reversed.exists == made.exists && reversed.document == made.document);
  for (std::size_t i = 0; i < made.order.size(); ++i) {
    PROPERTY(contributions[reversed.order[i]].name == record.fragments[i].name);
  }
  return record;
}

struct Built {
  jcn::SegmentHead head;
  jcn::MemoryBlocks blocks;
  std::vector<jcn::BlockBegin> key_begins;
  std::unique_ptr<jcn::SegmentSearch> search;

  jcn::SearchWriter::Sink sink() {
    return [this](Section section, std::uint32_t number, std::string payload) {
      PROPERTY(blocks.blocks(section).size() == number);
      blocks.add(section, number, std::move(payload));
      return jcn::Result<void>();
    };
  }
  void open() {
    const auto outline = jcn::SearchOutline::read(blocks, head);
    PROPERTY(outline.ok());
    search = std::make_unique<jcn::SegmentSearch>(*outline, blocks);
  }
};

using Records = std::vector<jcn::Record>;  // by key

// Keys and documents; the searchable part comes from elsewhere.
void build_records(Built& built, const Records& records, std::size_t block_bytes) {
  jcn::SegmentBuilder segment(0, built.sink(), block_bytes);
  for (const jcn::Record& record : records) {
    const std::string encoded = jcn::encode_entry(record);
    const auto entry = jcn::decode_entry(encoded);
    PROPERTY(entry.has_value());
    const std::string bytes = record.document.size() % 2 == 0
                                  ? std::string(entry->bytes)
                                  : jcn::compress_entry(*entry, nullptr);
    PROPERTY(segment.add(jcn::record_key_bytes(record.key), bytes).ok());
  }
  const auto head = segment.finish();
  PROPERTY(head.ok());
  built.head = *head;
  built.key_begins = segment.key_begins();
}

Built build(const Records& records, std::size_t block_bytes) {
  Built built;
  build_records(built, records, block_bytes);
  jcn::SearchBuilder search;
  for (std::uint32_t local = 0; local < records.size(); ++local) {
    const jcn::Record& record = records[local];
    std::optional<std::string_view> document;
    if (record.exists) document = record.document;
    search.add(record.key.kind, local, document, record.created_ns(), record.updated_ns(),
               record.since_ns);
  }
  PROPERTY(search.write(built.sink(), built.key_begins, block_bytes).ok());
  built.open();
  return built;
}

// Every second record in the one, the others and a dead version of the first in the other.
Built merge(const Records& records, std::size_t block_bytes) {
  Records odd, even;
  std::vector<std::uint32_t> odd_locals, even_locals;
  for (std::uint32_t i = 0; i < records.size(); ++i) {
    (i % 2 ? odd : even).push_back(records[i]);
    (i % 2 ? odd_locals : even_locals).push_back(i);
  }
  odd.insert(odd.begin(), records[0]);
  odd[0].document = odd[0].exists ? R"({"dead":"words","n":[1,"dead"]})" : "";
  odd_locals.insert(odd_locals.begin(), jcn::MergeInput::none);
  const Built one = build(odd, block_bytes), other = build(even, block_bytes);
  const jcn::MergeInput inputs[] = {{one.search.get(), odd_locals},
                                    {other.search.get(), even_locals}};
  Built merged;
  build_records(merged, records, block_bytes);
  PROPERTY(jcn::merge_search(inputs, merged.sink(), merged.key_begins, block_bytes).ok());
  merged.open();
  return merged;
}

void read_back(Built& built, const Records& records) {
  const auto head = std::make_shared<const jcn::SegmentHead>(built.head);
  const jcn::Segment segment(head, built.blocks);
  std::map<std::string, KindModel> kinds;
  for (std::uint32_t local = 0; local < records.size(); ++local) {
    const jcn::Record& record = records[local];
    const auto entry = segment.entry(local);
    jcn::Record read;
    PROPERTY(entry.ok() && jcn::unpack_entry(*entry, nullptr, read));
    PROPERTY(read.document == record.document && read.fragments == record.fragments);
    PROPERTY(read.exists == record.exists && read.rev == record.rev);
    PROPERTY(entry->created_ns == record.created_ns() && entry->updated_ns == record.updated_ns());
    const std::string key = jcn::record_key_bytes(record.key);
    PROPERTY(*built.search->key_of(local) == key && *built.search->lower_bound_key(key) == local);
    std::optional<std::string_view> document;
    if (record.exists) document = record.document;
    kinds[record.key.kind].add(document, record.created_ns(), record.updated_ns(), record.since_ns);
    PROPERTY(entry->since_ns == record.since_ns && read.since_ns == record.since_ns);
  }
  const jcn::SearchOutline& outline = built.search->outline();
  PROPERTY(outline.kinds.size() == kinds.size());
  for (const auto& [name, model] : kinds) {
    const jcn::SegmentKind* kind = outline.kind(name);
    PROPERTY(kind);
    model.compare(*built.search, *kind);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<jcn::Rules> kinds_of_rules = all_rules();
  if (size == 0) return 0;
  const jcn::Rules& rules = kinds_of_rules[data[0] % kinds_of_rules.size()];
  const std::size_t block_bytes = data[0] & 0x10U ? 60 : jcn::block_target_bytes;
  const std::string_view files(reinterpret_cast<const char*>(data + 1), size - 1);
  Records records;
  for (const auto& [key, its] : judged(rules, files)) records.push_back(composed(rules, key, its));
  if (records.empty()) return 0;
  Built built = build(records, block_bytes);
  read_back(built, records);
  Built merged = merge(records, block_bytes);
  read_back(merged, records);
  return 0;
}
