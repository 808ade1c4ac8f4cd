// Builds the searchable part of a segment from its documents. One thread. Until it is written it
// holds about twice as much as the documents' text, and at most three times while it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "jcn/result.h"
#include "search_writer.h"

namespace jcn {

class KindBuilder;

class SearchBuilder {
 public:
  SearchBuilder();
  ~SearchBuilder();
  SearchBuilder(const SearchBuilder&) = delete;
  SearchBuilder& operator=(const SearchBuilder&) = delete;

  // The segment's next record: kinds in order, local numbers from 0 without a gap. `document` is
  // canonical text, absent for an orphan, and not kept.
  void add(std::string_view kind, std::uint32_t local, std::optional<std::string_view> document,
           std::int64_t created_ns, std::int64_t updated_ns,
           std::optional<std::int64_t> since_ns = std::nullopt);
  // Once, after the last record. `key_blocks` as the segment's builder wrote them.
  Result<void> write(SearchWriter::Sink sink, std::vector<BlockBegin> key_blocks,
                     std::size_t block_bytes = block_target_bytes);

 private:
  std::vector<std::unique_ptr<KindBuilder>> kinds_;
};

}  // namespace jcn
