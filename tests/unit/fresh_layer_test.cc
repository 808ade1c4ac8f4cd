#include "fresh_layer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace jcn {
namespace {

std::shared_ptr<const Delta> delta_of(const std::map<std::string, std::uint64_t>& records) {
  auto batch = std::make_shared<FreshBatch>();
  for (const auto& [key, seq] : records) {
    batch->record_keys.push_back(key);
    batch->records.push_back({seq, false, false, 0});
  }
  auto delta = std::make_shared<Delta>();
  for (std::uint32_t i = 0; i < batch->records.size(); ++i) {
    delta->records.push_back({batch->record_keys[i], batch, i});
    delta->last_seq = std::max(delta->last_seq, batch->records[i].seq);
  }
  return delta;
}

std::uint64_t seq_of(const FreshEntry& entry) {
  return entry.batch->records[entry.index].seq;
}

// What its pieces say together: the newest of each key.
std::map<std::string, std::uint64_t> by_pieces(const Delta& delta) {
  std::map<std::string, std::uint64_t> found;
  for (const auto& piece : delta.pieces) {
    for (const FreshEntry& entry : piece->records) found[std::string(entry.key)] = seq_of(entry);
  }
  return found;
}

void expect_invariants(const Deltas& deltas) {
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    const Delta& delta = *deltas[i];
    if (i > 0) {
      EXPECT_GT(deltas[i - 1]->size(), 2 * delta.size());
    }
    if (delta.pieces.empty()) {
      EXPECT_LT(delta.records.size(), 2 * piece_records);
      continue;
    }
    std::map<std::string, std::uint64_t> whole;
    for (const FreshEntry& entry : delta.records) whole[std::string(entry.key)] = seq_of(entry);
    EXPECT_EQ(by_pieces(delta), whole);
    for (std::size_t piece = 0; piece < delta.pieces.size(); ++piece) {
      EXPECT_TRUE(delta.pieces[piece]->pieces.empty());
      EXPECT_LT(delta.pieces[piece]->records.size(), 2 * piece_records);
      if (piece > 0) {
        EXPECT_TRUE(delta.pieces[piece - 1]->is_finished_piece() ||
                    delta.pieces[piece]->is_finished_piece());
      }
    }
  }
}

TEST(FreshLayer, FinishedPiecesStayAsTheyAre) {
  std::mt19937 random(11);
  for (const unsigned most : {1U, 300U, 2000U}) {
    SCOPED_TRACE(most);
    Deltas deltas;
    std::map<const Delta*, std::weak_ptr<const Delta>> finished;
    std::map<std::string, std::uint64_t> model;
    std::uint64_t seq = 0;
    const std::uint64_t end = most == 1 ? 3 * piece_records : 12 * piece_records;
    while (seq < end) {
      std::map<std::string, std::uint64_t> records;
      for (auto n = random() % most + 1; n > 0; --n) {
        records[std::to_string(random() % (8 * piece_records))] = ++seq;
      }
      for (const auto& [key, number] : records) model[key] = number;
      push_delta(deltas, delta_of(records));
      if (most > 1 || seq % 64 == 0) expect_invariants(deltas);
      for (const auto& delta : deltas) {
        if (delta->is_finished_piece()) finished.emplace(delta.get(), delta);
        for (const auto& piece : delta->pieces) {
          if (piece->is_finished_piece()) finished.emplace(piece.get(), piece);
        }
      }
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GE(finished.size(), end / (2 * piece_records));
    for (const auto& [address, piece] : finished) EXPECT_FALSE(piece.expired());
    const auto merged = merge_all(deltas);
    EXPECT_EQ(merged->last_seq, seq);
    EXPECT_EQ(by_pieces(*merged), model);
    for (const auto& [address, piece] : finished) EXPECT_FALSE(piece.expired());
  }
}

}  // namespace
}  // namespace jcn
