#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <vector>

#include "encoding.h"
#include "jcn/verify_content.h"
#include "keys.h"
#include "search_builder.h"
#include "search_merge.h"
#include "segment_builder.h"
#include "segment_cache.h"
#include "snapshot_state.h"

namespace jcn {
namespace {

// Blocks in an unnamed file, to be read once all are written.
class SpooledBlocks : public BlockSource {
 public:
  ~SpooledBlocks() override {
    if (map_) ::munmap(map_, bytes_);
  }

  Result<void> open() {
    std::error_code error;
    const std::string folder = std::filesystem::temp_directory_path(error).string();
    if (error) return system_error("stat", "temporary folder", error.value());
    file_ = FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    return file_ ? Result<void>() : system_error("open", folder, errno);
  }

  Result<void> add(Section section, const std::string& payload) {
    places_[static_cast<std::size_t>(section)].push_back({bytes_, payload.size()});
    bytes_ += payload.size();
    return write_all(file_.get(), payload, "temporary file");
  }

  Result<void> finish() {
    if (bytes_ == 0) return {};
    void* map = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file_.get(), 0);
    if (map == MAP_FAILED) return system_error("mmap", "temporary file", errno);
    map_ = map;
    return {};
  }

  Result<std::string_view> block(Section section, std::uint32_t number) override {
    const std::vector<Place>& places = places_[static_cast<std::size_t>(section)];
    if (number >= places.size()) return damaged("a section made again lacks a block");
    return std::string_view(static_cast<const char*>(map_) + places[number].begin,
                            places[number].size);
  }

 private:
  struct Place {
    std::size_t begin, size;
  };
  FileDescriptor file_;
  std::array<std::vector<Place>, last_known_section + std::size_t{1}> places_;
  std::size_t bytes_ = 0;
  void* map_ = nullptr;
};

// The searchable part of some of a segment's records, by itself.
struct Piece {
  std::uint32_t first = 0, records = 0;
  SpooledBlocks blocks;
  std::unique_ptr<SegmentSearch> search;
};

class SegmentCheck {
 public:
  SegmentCheck(SnapshotState& state, SegmentCache& cache, std::uint32_t number,
               std::size_t piece_bytes, const std::function<void(std::string)>& difference)
      : state_(state),
        cache_(cache),
        number_(number),
        piece_bytes_(piece_bytes),
        stored_(state.txn(), number),
        difference_(difference) {}

  Result<void> run(const std::function<Result<void>()>& tell) {
    LmdbBlocks keys(state_.txn(), number_), documents(state_.txn(), number_);
    JCN_TRY(auto head, cache_.head(state_.txn(), number_));
    JCN_TRY(auto dictionary, cache_.dictionary(state_.txn(), head->dictionary));
    Segment segment(head, documents);
    SegmentKeys key(*head, keys);
    SegmentBuilder builder(head->dictionary, sink());
    std::vector<std::unique_ptr<Piece>> pieces;
    std::unique_ptr<SearchBuilder> search;
    std::size_t bytes = 0;
    std::uint32_t first = 0;
    const auto end_piece = [&](std::uint32_t end) -> Result<void> {
      auto piece = std::make_unique<Piece>();
      piece->first = first;
      piece->records = end - first;
      JCN_CHECK(write_piece(*search, segment_keys_, *piece));
      segment_keys_.clear();
      pieces.push_back(std::move(piece));
      search.reset();
      bytes = 0;
      first = end;
      return {};
    };
    for (;;) {
      JCN_TRY(const bool more, key.next());
      if (!more) break;
      const std::uint32_t local = key.local();
      JCN_TRY(const SegmentEntry entry, segment.entry(local));
      JCN_CHECK(builder.add(key.key(), entry.bytes));
      Record record;
      auto parsed = parse_record_key(key.key());
      if (!parsed || !unpack_entry(entry, dictionary.get(), record)) {
        return damaged("a record's document");
      }
      if (!search) search = std::make_unique<SearchBuilder>();
      search->add(parsed->kind, local - first,
                  record.exists ? std::optional<std::string_view>(record.document) : std::nullopt,
                  entry.created_ns, entry.updated_ns, entry.since_ns);
      segment_keys_.push_back(key.key());
      bytes += record.document.size();
      if (bytes > piece_bytes_) JCN_CHECK(end_piece(local + 1));
      JCN_CHECK(tell());
    }
    if (search) JCN_CHECK(end_piece(head->records));
    JCN_TRY([[maybe_unused]] const SegmentHead made, builder.finish());
    return compare_search(pieces, builder.key_begins(), head->records);
  }

 private:
  SegmentBuilder::Sink sink() {
    return [this](Section section, std::uint32_t block, const std::string& payload) {
      return compare(section, block, payload);
    };
  }

  Result<void> compare(Section section, std::uint32_t block, const std::string& payload) {
    JCN_TRY(const std::string_view stored, stored_.block(section, block));
    ++made_[static_cast<std::size_t>(section)];
    if (stored == payload) return {};
    difference_("segment " + std::to_string(number_) + ", section " +
                std::to_string(static_cast<int>(section)) + ", block " + std::to_string(block) +
                " is not what its documents make");
    return {};
  }

  static Result<void> write_piece(SearchBuilder& search, const std::vector<std::string>& keys,
                                  Piece& piece) {
    JCN_CHECK(piece.blocks.open());
    SegmentBuilder own(0, [&](Section section, std::uint32_t, const std::string& payload) {
      return section == Section::keys ? piece.blocks.add(section, payload) : Result<void>();
    });
    for (const std::string& key : keys) JCN_CHECK(own.add(key, {}));
    JCN_TRY(const SegmentHead head, own.finish());
    JCN_CHECK(
        search.write([&](Section section, std::uint32_t,
                         const std::string& payload) { return piece.blocks.add(section, payload); },
                     own.key_begins()));
    JCN_CHECK(piece.blocks.finish());
    JCN_TRY(auto outline, SearchOutline::read(piece.blocks, head));
    piece.search = std::make_unique<SegmentSearch>(std::move(outline), piece.blocks);
    return {};
  }

  Result<void> compare_search(const std::vector<std::unique_ptr<Piece>>& pieces,
                              std::vector<BlockBegin> key_begins, std::uint32_t records) {
    std::vector<MergeInput> inputs;
    for (const auto& piece : pieces) {
      MergeInput input;
      input.search = piece->search.get();
      for (std::uint32_t i = 0; i < piece->records; ++i)
        input.new_local.push_back(piece->first + i);
      inputs.push_back(std::move(input));
    }
    if (records > 0) JCN_CHECK(merge_search(inputs, sink(), std::move(key_begins)));
    return compare_counts();
  }

  // More blocks than the documents make.
  Result<void> compare_counts() {
    JCN_TRY(Cursor cursor, state_.txn().cursor(Table::segments));
    std::array<std::uint32_t, last_known_section + std::size_t{1}> stored{};
    for (auto more = cursor.seek(segment_key(number_, 0, 0));; more = cursor.next()) {
      if (!more) return more.error();
      const auto key = *more ? parse_segment_key(cursor.key()) : std::nullopt;
      if (!key || key->segment != number_) break;
      if (key->section <= last_known_section) ++stored[key->section];
    }
    for (std::size_t section = 1; section < stored.size(); ++section) {
      if (stored[section] == made_[section]) continue;
      difference_("segment " + std::to_string(number_) + ", section " + std::to_string(section) +
                  " has " + std::to_string(stored[section]) + " blocks, its documents make " +
                  std::to_string(made_[section]));
    }
    return {};
  }

  SnapshotState& state_;
  SegmentCache& cache_;
  const std::uint32_t number_;
  const std::size_t piece_bytes_;
  LmdbBlocks stored_;
  const std::function<void(std::string)>& difference_;
  std::vector<std::string> segment_keys_;  // of the piece that is being made
  std::array<std::uint32_t, last_known_section + std::size_t{1}> made_{};  // blocks
};

}  // namespace

Result<void> verify_sections(const Snapshot& snapshot,
                             const std::function<void(std::string what)>& difference,
                             const ContentProgress& progress, std::size_t piece_bytes) {
  SnapshotState& state = snapshot.state();
  SegmentCache& cache = state.cache();
  JCN_TRY(const auto numbers, cache.segments(state.txn()));
  std::uint64_t of = 0, done = 0;
  for (const std::uint32_t number : *numbers) {
    JCN_TRY(const auto head, cache.head(state.txn(), number));
    of += head->records;
  }
  for (const std::uint32_t number : *numbers) {
    JCN_CHECK(
        SegmentCheck(state, cache, number, piece_bytes, difference).run([&]() -> Result<void> {
          if (++done % 1000 != 0 || !progress || progress(done, of)) return {};
          return Error{Code::not_ready, "it was ended", ""};
        }));
  }
  return {};
}

}  // namespace jcn
