#include "fresh_search.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "index_model.h"
#include "lmdb_env.h"
#include "rows.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

FreshEntries one_record(const std::string& key) {
  auto batch = std::make_shared<FreshBatch>();
  batch->record_keys.push_back(key);
  batch->records.push_back({1, false, false, 0});
  return {{batch->record_keys.front(), batch, 0, 1}};
}

std::shared_ptr<LmdbEnv> env_with(const std::string& folder, const std::string& key,
                                  const IdRow& row) {
  std::filesystem::create_directories(folder);
  EnvOptions options;
  options.map_bytes = 16 << 20;
  options.read_only = false;
  options.create = true;
  auto env = must(LmdbEnv::open(folder, options));
  auto txn = must(env->begin_write());
  must(txn.put(Table::ids, key, encode_id_row(row)));
  must(txn.commit());
  return env;
}

// A delta lives on when the index is written anew, and the new generation counts from the
// beginning.
TEST(DeltaSearch, PlacesAreOfOneGenerationsState) {
  TemporaryFolder folder;
  const auto before = env_with(folder / "before", "k", {1, 10, 1, true});
  const auto after = env_with(folder / "after", "k", {2, 20, 1, true});
  const FreshEntries records = one_record("k");
  DeltaSearch search;
  for (int round = 0; round < 2; ++round) {
    const auto old = must(before->begin_read()), now = must(after->begin_read());
    ASSERT_EQ(old.id(), now.id());
    EXPECT_EQ(*must(search.folded_places(records, old)), (std::vector<FoldedPlace>{{1, 10}}));
    EXPECT_EQ(*must(search.folded_places(records, now)), (std::vector<FoldedPlace>{{2, 20}}));
  }
}

TEST(DeltaSearch, PlacesAreThoseOfTheStateAsked) {
  TemporaryFolder folder;
  const auto env = env_with(folder / "env", "k", {1, 10, 1, true});
  const FreshEntries records = one_record("k");
  DeltaSearch search;
  const auto old = must(env->begin_read());
  EXPECT_EQ(*must(search.folded_places(records, old)), (std::vector<FoldedPlace>{{1, 10}}));
  auto txn = must(env->begin_write());
  must(txn.put(Table::ids, "k", encode_id_row({3, 30, 2, true})));
  must(txn.commit());
  EXPECT_EQ(*must(search.folded_places(records, must(env->begin_read()))),
            (std::vector<FoldedPlace>{{3, 30}}));
  EXPECT_EQ(*must(search.folded_places(records, old)), (std::vector<FoldedPlace>{{1, 10}}));
}

}  // namespace
}  // namespace jcn
