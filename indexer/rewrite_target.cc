#include "rewrite_target.h"

#include "fold.h"
#include "living.h"

namespace jcn {
namespace {

constexpr std::uint64_t transaction_bytes = 32ULL << 20;

}  // namespace

Result<WriteTxn*> RewriteTarget::txn() {
  if (!txn_) {
    JCN_TRY(WriteTxn begun, env_.begin_write());
    txn_.emplace(std::move(begun));
  }
  return &*txn_;
}

Result<void> RewriteTarget::commit() {
  if (!txn_) return {};
  bytes_ = 0;
  Result<void> committed = txn_->commit();
  txn_.reset();
  return committed;
}

Result<void> RewriteTarget::wrote(std::size_t bytes) {
  bytes_ += bytes;
  return bytes_ > transaction_bytes ? commit() : Result<void>();
}

Result<void> RewriteTarget::append(Table table, std::string_view key, std::string_view value) {
  JCN_TRY(WriteTxn * txn, this->txn());
  JCN_CHECK(txn->append(table, key, value));
  return wrote(key.size() + value.size());
}

Result<void> RewriteTarget::put(Table table, std::string_view key, std::string_view value) {
  JCN_TRY(WriteTxn * txn, this->txn());
  JCN_TRY([[maybe_unused]] const bool old, txn->put(table, key, value));
  return wrote(key.size() + value.size());
}

Result<void> RewriteTarget::store(std::uint32_t segment, Section section, std::uint32_t number,
                                  std::string payload) {
  JCN_TRY(WriteTxn * txn, this->txn());
  const std::size_t bytes = payload.size();
  JCN_CHECK(store_block(*txn, segment, section, number, std::move(payload)));
  return wrote(bytes);
}

Result<void> RewriteTarget::all_living(std::uint32_t segment, std::uint32_t records) {
  JCN_TRY(WriteTxn * txn, this->txn());
  return write_all_living(*txn, segment, records);
}

}  // namespace jcn
