#include "fresh_layer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace jcn {
namespace {

// `work`: of each of them.
std::shared_ptr<const Delta> delta_of(const std::map<std::string, std::uint64_t>& records,
                                      std::uint32_t work = 1) {
  auto batch = std::make_shared<FreshBatch>();
  for (const auto& [key, seq] : records) {
    batch->record_keys.push_back(key);
    batch->records.push_back({seq, false, false, 0});
  }
  auto delta = std::make_shared<Delta>();
  FreshEntries entries;
  for (std::uint32_t i = 0; i < batch->records.size(); ++i) {
    entries.push_back({batch->record_keys[i], batch, i, work});
    delta->last_seq = std::max(delta->last_seq, batch->records[i].seq);
  }
  set_records(*delta, std::move(entries));
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

void expect_invariants(const Deltas& deltas, std::uint32_t heaviest = 1) {
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    const Delta& delta = *deltas[i];
    if (i > 0) {
      EXPECT_GT(deltas[i - 1]->size(), 2 * delta.size());
    }
    if (delta.pieces.empty()) {
      EXPECT_LT(delta.work, 2 * piece_work);
      continue;
    }
    std::map<std::string, std::uint64_t> whole;
    for (const FreshEntry& entry : delta.records) whole[std::string(entry.key)] = seq_of(entry);
    EXPECT_EQ(by_pieces(delta), whole);
    for (std::size_t piece = 0; piece < delta.pieces.size(); ++piece) {
      EXPECT_TRUE(delta.pieces[piece]->pieces.empty());
      EXPECT_LT(delta.pieces[piece]->work, 2 * piece_work + heaviest);
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
    const std::uint64_t end = most == 1 ? 3 * piece_work : 12 * piece_work;
    while (seq < end) {
      std::map<std::string, std::uint64_t> records;
      for (auto n = random() % most + 1; n > 0; --n) {
        records[std::to_string(random() % (8 * piece_work))] = ++seq;
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
    EXPECT_GE(finished.size(), end / (2 * piece_work));
    for (const auto& [address, piece] : finished) EXPECT_FALSE(piece.expired());
    const auto merged = merge_all(deltas);
    EXPECT_EQ(merged->last_seq, seq);
    EXPECT_EQ(by_pieces(*merged), model);
    for (const auto& [address, piece] : finished) EXPECT_FALSE(piece.expired());
  }
}

TEST(FreshLayer, FewRecordsOfMuchWorkAreManyPieces) {
  std::mt19937 random(12);
  Deltas deltas;
  std::map<std::string, std::uint64_t> model;
  std::uint64_t seq = 0;
  constexpr std::uint32_t heaviest = 300;
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, std::uint64_t> records;
    for (auto n = random() % 30 + 1; n > 0; --n) records[std::to_string(random() % 500)] = ++seq;
    for (const auto& [key, number] : records) model[key] = number;
    push_delta(deltas, delta_of(records, static_cast<std::uint32_t>(random() % heaviest + 1)));
    expect_invariants(deltas, heaviest);
    if (::testing::Test::HasFailure()) return;
  }
  const auto merged = merge_all(deltas);
  EXPECT_LT(merged->records.size(), 500U);
  EXPECT_EQ(merged->work, work_of(merged->records));
  EXPECT_GT(merged->pieces.size(), merged->work / (3 * piece_work));
  EXPECT_EQ(by_pieces(*merged), model);
}

TEST(FreshLayer, ALargeBatchIsCutIntoPieces) {
  std::map<std::string, std::uint64_t> records;
  for (std::uint64_t n = 1; n <= 256; ++n) records[std::to_string(n)] = n;
  const auto delta = delta_of(records, 312);
  expect_invariants({delta}, 312);
  EXPECT_EQ(delta->pieces.size(), 37U);  // of seven records each: 2,184
}

TEST(FreshLayer, WorkIsThatOfBytesOrOfNames) {
  EXPECT_EQ(work_of_document("{}"), 1U);
  EXPECT_EQ(work_of_document(R"({"url":"http://a/:80","at":"12:00"})"), 1U);
  EXPECT_EQ(work_of_document("{\"t\":\"" + std::string(1 << 20, 'a') + "\"}"), 512U);
  std::string names = "{";
  for (int n = 0; n < 9000; ++n) names += '"' + std::to_string(n) + "\":1,";
  EXPECT_EQ(work_of_document(names), 9000U / 32);
}

}  // namespace
}  // namespace jcn
