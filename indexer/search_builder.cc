#include "search_builder.h"

#include "kind_builder.h"

namespace jcn {

SearchBuilder::SearchBuilder() = default;
SearchBuilder::~SearchBuilder() = default;

void SearchBuilder::add(std::string_view kind, std::uint32_t local,
                        std::optional<std::string_view> document, std::int64_t created_ns,
                        std::int64_t updated_ns, std::optional<std::int64_t> since_ns) {
  if (kinds_.empty() || kinds_.back()->name() != kind) {
    kinds_.push_back(std::make_unique<KindBuilder>(kind, local));
  }
  kinds_.back()->add(document, created_ns, updated_ns, since_ns);
}

Result<void> SearchBuilder::write(SearchWriter::Sink sink, std::vector<BlockBegin> key_blocks,
                                  std::size_t block_bytes) {
  SearchWriter writer(std::move(sink), block_bytes);
  for (std::unique_ptr<KindBuilder>& kind : kinds_) {
    JCN_CHECK(kind->write(writer));
    kind.reset();
  }
  return writer.finish(std::move(key_blocks));
}

}  // namespace jcn
