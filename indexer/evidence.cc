#include "evidence.h"

#include <filesystem>
#include <fstream>

#include "encoding.h"
#include "generation.h"
#include "jcn/index_writer.h"

namespace jcn {

Result<MetaRows> read_meta(const Transaction& txn) {
  JCN_TRY(const auto identity_bytes, txn.get(Table::meta, meta_identity));
  JCN_TRY(const auto state_bytes, txn.get(Table::meta, meta_state));
  JCN_TRY(const auto counts_bytes, txn.get(Table::meta, meta_counts));
  if (!identity_bytes || !state_bytes || !counts_bytes) return damaged("the meta table lacks rows");
  auto identity = decode_identity(*identity_bytes);
  const auto state = decode_state(*state_bytes);
  auto counts = decode_counts(*counts_bytes);
  if (!identity || !state || !counts) return damaged("the meta table's rows are unreadable");
  JCN_TRY(const auto token_bytes, txn.get(Table::meta, meta_token));
  std::optional<TokenRow> token;
  if (token_bytes) {
    token = decode_token(*token_bytes);
    if (!token) return damaged("the meta table's rows are unreadable");
  }
  JCN_TRY(const auto origin_bytes, txn.get(Table::meta, meta_origin));
  const auto origin = origin_bytes ? unseal(*origin_bytes) : std::nullopt;
  return MetaRows{std::move(*identity), *state, std::move(*counts), token,
                  origin ? std::optional(std::string(*origin)) : std::nullopt};
}

std::string machine_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

Result<std::string> suspicion(const std::string& folder, const std::string& generation,
                              const std::optional<History>& left) {
  const std::string path = folder + "/" + generation;
  std::error_code error;
  if (std::filesystem::exists(path + "/" + damage_mark, error)) {
    return std::string("damage was found while the index was in use");
  }
  if (std::filesystem::exists(crash_mark(folder), error)) {
    return std::string("jcn crashed while the index was in use");
  }
  if (!left || left->generation != generation) {
    return std::string("it is not known how the index was left");
  }
  if (!left->clean && left->boot.empty()) {
    return std::string(
        "it is not known whether the machine was restarted while the index was in use");
  }
  if (!left->clean && left->boot != boot_id()) {
    return std::string("the machine was restarted while the index was in use");
  }
  std::optional<DataFacts> expected = left->data;
  if (!left->clean) {
    JCN_TRY(const auto last, LastCommit::read(path));
    expected = last ? std::optional(last->data) : std::nullopt;
  }
  const Result<DataFacts> data = data_facts(path + "/data.mdb");
  if (!data) return std::string("data.mdb cannot be opened");
  if (!expected || *expected != *data) {
    return std::string("data.mdb was changed after the index was left");
  }
  return std::string();
}

Result<bool> carries_on(const std::string& folder, const std::string& generation,
                        const std::optional<History>& left, const MetaRows& meta,
                        std::uint64_t txn) {
  const std::string path = folder + "/" + generation;
  JCN_TRY(const DataFacts data, data_facts(path + "/data.mdb"));
  if (meta.identity.machine != machine_id() || meta.identity.inode != data.inode) return false;
  if (!meta.token) return true;
  if (!left || !left->in_place) return false;
  const bool same_token = left->token == meta.token->token;
  // Switched to, and the history not yet written. What it was written from carried on.
  if (meta.origin && *meta.origin == left->generation) return same_token;
  if (left->generation != generation || !left->data.same_file(data)) return false;
  // An opening that ended between its commit and the writing of the file.
  if (!same_token) return left->token == meta.token->before && !meta.state.clean;
  if (left->clean) {
    // The same state, even where somebody has touched the file; but only times of birth make sure
    // that the history was not put back with it.
    return left->data == data || (left->data.born_ns != 0 && left->txn == txn);
  }
  JCN_TRY(const auto last, LastCommit::read(path));
  return !last || last->txn <= txn;
}

}  // namespace jcn
