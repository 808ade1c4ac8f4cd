#include "search_merge.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace jcn {
namespace {

constexpr std::uint32_t none = MergeInput::none;

// One kind of one input.
struct Source {
  const MergeInput* input;
  const SegmentKind* kind;
  std::uint32_t next_field;                  // the first of its fields that is not merged yet
  std::vector<std::uint32_t> field_numbers;  // new ones, by number within the kind
  std::vector<std::uint32_t> use_sets;       // in KindMerge, by payload

  const SegmentSearch& search() const { return *input->search; }
  const SegmentField* field() const {
    return next_field < kind->end_field ? &search().outline().fields[next_field] : nullptr;
  }
  std::uint32_t places() const { return kind->end - kind->first; }
};

// A source's dictionary of the field that is being merged.
struct Dictionary {
  Source* source;
  const SegmentField* field;
  DictionaryCursor cursor;
};

class KindMerge {
 public:
  KindMerge(std::vector<Source> sources, std::uint32_t first, std::uint32_t end,
            SearchWriter& writer)
      : sources_(std::move(sources)), first_(first), places_(end - first), writer_(writer) {}

  Result<void> run() {
    writer_.begin_kind(sources_.front().kind->name, first_, first_ + places_);
    while (const std::string* path = smallest_path()) JCN_CHECK(merge_field(*path));
    return writer_.end_kind();
  }

 private:
  const std::string* smallest_path() const {
    const std::string* smallest = nullptr;
    for (const Source& source : sources_) {
      const SegmentField* field = source.field();
      if (field && (!smallest || field->path < *smallest)) smallest = &field->path;
    }
    return smallest;
  }

  Result<void> merge_field(const std::string& path) {
    is_text_ = path == text_field;
    const std::uint32_t number = writer_.begin_field(path);
    std::vector<Dictionary> dictionaries;
    for (Source& source : sources_) {
      const SegmentField* field = source.field();
      if (!field || field->path != path) continue;
      dictionaries.push_back({&source, field, source.search().dictionary(*field)});
      ++source.next_field;
    }
    JCN_TRY(const bool any, merge_dictionaries(dictionaries));
    if (any) {
      for (const Dictionary& dictionary : dictionaries) {
        Source& source = *dictionary.source;
        const std::uint32_t old = source.search().outline().field_number(*dictionary.field);
        source.field_numbers[old - source.kind->first_field] = number;
      }
      if (is_text_) JCN_CHECK(merge_lengths(dictionaries));
    }
    return writer_.end_field();
  }

  // False: no living record has any of it.
  Result<bool> merge_dictionaries(std::vector<Dictionary>& dictionaries) {
    const auto greater = [](const Dictionary* a, const Dictionary* b) {
      return a->cursor.key() > b->cursor.key();
    };
    std::vector<Dictionary*> heap;  // the smallest key on top
    for (Dictionary& dictionary : dictionaries) {
      JCN_TRY(const bool found, dictionary.cursor.next());
      if (found) heap.push_back(&dictionary);
    }
    std::make_heap(heap.begin(), heap.end(), greater);
    bool any = false;
    std::string key;
    while (!heap.empty()) {
      key = heap.front()->cursor.key();
      cells_.clear();
      unsigned lists = 0;
      while (!heap.empty() && heap.front()->cursor.key() == key) {
        std::pop_heap(heap.begin(), heap.end(), greater);
        JCN_CHECK(take_places(*heap.back()));
        ++lists;
        JCN_TRY(const bool more, heap.back()->cursor.next());
        if (more) {
          std::push_heap(heap.begin(), heap.end(), greater);
        } else {
          heap.pop_back();
        }
      }
      if (cells_.empty()) continue;
      any = true;
      if (lists > 1) order_cells();
      JCN_CHECK(write_entry(key));
    }
    return any;
  }

  // The living among an entry's places.
  Result<void> take_places(const Dictionary& dictionary) {
    Source& source = *dictionary.source;
    JCN_TRY(const std::string_view list, source.search().postings(dictionary.cursor.entry()));
    const std::uint32_t* const new_local = source.input->new_local.data() + source.kind->first;
    PostingReader reader(list, source.places(), is_text_);
    while (reader.next()) {
      const std::uint32_t local = new_local[reader.place()];
      if (local == none) continue;
      if (local - first_ >= places_) return damaged("a merged record is not among its kind");
      std::uint32_t set = 0;
      if (is_text_) {
        JCN_TRY(set, use_set(source, reader.payload()));
      }
      cells_.push_back({local - first_, set});
    }
    if (!reader.ok()) return damaged("a segment's posting list is malformed");
    return {};
  }

  void order_cells() {
    if (cells_.size() < 64 || cells_.size() < places_ / 512) {
      std::sort(cells_.begin(), cells_.end(),
                [](const Cell& a, const Cell& b) { return a.place < b.place; });
      return;
    }
    // Many among all places: by place they are put where they belong, and read again in order.
    bits_.resize((std::size_t{places_} + 63) / 64);
    set_at_.resize(places_);
    for (const Cell& cell : cells_) {
      bits_[cell.place >> 6] |= std::uint64_t{1} << (cell.place & 63);
      set_at_[cell.place] = cell.set;
    }
    cells_.clear();
    for (std::size_t i = 0; i < bits_.size(); ++i) {
      for (std::uint64_t word = std::exchange(bits_[i], 0); word != 0; word &= word - 1) {
        const auto place =
            static_cast<std::uint32_t>(i * 64 + static_cast<unsigned>(__builtin_ctzll(word)));
        cells_.push_back({place, set_at_[place]});
      }
    }
  }

  Result<void> write_entry(const std::string& key) {
    entry_places_.clear();
    entry_uses_.clear();
    for (const Cell& cell : cells_) {
      entry_places_.push_back(cell.place);
      if (is_text_) entry_uses_.push_back(use_number(cell.set));
    }
    return writer_.add(key, entry_places_, entry_uses_);
  }

  // Sets of uses are numbered in two steps, so that the writer meets them in the order of places,
  // as it does when a segment is built from documents.
  Result<std::uint32_t> use_set(Source& source, std::uint32_t payload) {
    if (payload >= source.use_sets.size()) return damaged("a word's uses are not in its segment");
    std::uint32_t& set = source.use_sets[payload];
    if (set != none) return set;
    WordUses uses = source.search().outline().uses[payload];
    for (WordUse& use : uses) {
      const std::uint32_t old = use.field - source.kind->first_field;
      const std::uint32_t number =
          old < source.field_numbers.size() ? source.field_numbers[old] : none;
      if (number == none) return damaged("a word is in a field that its record doesn't have");
      use.field = number;
    }
    const auto [found, made] =
        use_sets_.try_emplace(std::move(uses), static_cast<std::uint32_t>(use_sets_.size()));
    if (made) numbered_sets_.push_back({&found->first, none});
    return set = found->second;
  }

  std::uint32_t use_number(std::uint32_t set) {
    auto& [uses, number] = numbered_sets_[set];
    if (number == none) number = writer_.uses(*uses);
    return number;
  }

  Result<void> merge_lengths(const std::vector<Dictionary>& dictionaries) {
    std::vector<std::uint32_t> tokens(places_, 0);
    for (const Dictionary& dictionary : dictionaries) {
      const Source& source = *dictionary.source;
      const std::uint32_t* new_local = source.input->new_local.data() + source.kind->first;
      for (std::uint32_t chunk = 0; chunk < dictionary.field->column.size(); ++chunk) {
        JCN_TRY(const ColumnChunkView view, source.search().column(*dictionary.field, chunk));
        view.for_each_present([&](std::uint32_t place, std::uint32_t count) {
          const std::uint32_t local = new_local[chunk * column_chunk + place];
          if (local != none && local - first_ < places_) tokens[local - first_] = count;
        });
      }
    }
    writer_.lengths(tokens);
    return {};
  }

  struct Cell {
    std::uint32_t place, set;
  };
  struct NumberedSet {
    const WordUses* uses;  // in use_sets_
    std::uint32_t number;  // the writer's; none: not asked for yet
  };

  std::vector<Source> sources_;
  const std::uint32_t first_, places_;
  SearchWriter& writer_;
  std::map<WordUses, std::uint32_t> use_sets_;
  std::vector<NumberedSet> numbered_sets_;
  bool is_text_ = false;               // the field that is being merged
  std::vector<Cell> cells_;            // of the entry that is being merged
  std::vector<std::uint64_t> bits_;    // of order_cells: a bit per place, all 0 in between
  std::vector<std::uint32_t> set_at_;  // of order_cells, by place
  std::vector<std::uint32_t> entry_places_, entry_uses_;
};

}  // namespace

Result<void> merge_search(std::span<const MergeInput> inputs, SearchWriter::Sink sink,
                          std::vector<BlockBegin> key_blocks, std::size_t block_bytes) {
  std::set<std::string_view> names;
  for (const MergeInput& input : inputs) {
    const SearchOutline& outline = input.search->outline();
    if (input.new_local.size() != outline.records()) {
      return damaged("a segment that is being merged has another number of records");
    }
    for (const SegmentKind& kind : outline.kinds) names.insert(kind.name);
  }
  SearchWriter writer(std::move(sink), block_bytes);
  std::uint32_t first = 0;
  for (const std::string_view name : names) {
    std::vector<Source> sources;
    std::uint32_t end = first;
    for (const MergeInput& input : inputs) {
      const SearchOutline& outline = input.search->outline();
      const SegmentKind* kind = outline.kind(name);
      if (!kind) continue;
      end += static_cast<std::uint32_t>(
          std::count_if(input.new_local.begin() + kind->first, input.new_local.begin() + kind->end,
                        [](std::uint32_t local) { return local != none; }));
      sources.push_back({&input, kind, kind->first_field,
                         std::vector<std::uint32_t>(kind->end_field - kind->first_field, none),
                         std::vector<std::uint32_t>(outline.uses.size(), none)});
    }
    if (end == first) continue;
    JCN_CHECK(KindMerge(std::move(sources), first, end, writer).run());
    first = end;
  }
  return writer.finish(std::move(key_blocks));
}

}  // namespace jcn
