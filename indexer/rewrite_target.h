// The generation that a rewrite writes: rows and blocks go in, transactions of a bearable size come
// out. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lmdb_env.h"
#include "segment.h"

namespace jcn {

class RewriteTarget {
 public:
  explicit RewriteTarget(LmdbEnv& env) : env_(env) {}

  // For keys greater than all before in that table.
  Result<void> append(Table table, std::string_view key, std::string_view value);
  Result<void> put(Table table, std::string_view key, std::string_view value);
  Result<void> store(std::uint32_t segment, Section section, std::uint32_t number,
                     std::string payload);
  Result<void> all_living(std::uint32_t segment, std::uint32_t records);
  // What was written so far. Lasts until the next call.
  Result<WriteTxn*> txn();
  Result<void> commit();

 private:
  Result<void> wrote(std::size_t bytes);

  LmdbEnv& env_;
  std::optional<WriteTxn> txn_;
  std::uint64_t bytes_ = 0;  // in the transaction
};

}  // namespace jcn
