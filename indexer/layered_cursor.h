// A walk in key order over a table and the fresh entries above it: for each key the newest, removed
// ones included (the walker steps over them).
#pragma once

#include <string_view>
#include <vector>

#include "fresh_layer.h"
#include "lmdb_env.h"

namespace jcn {

class LayeredCursor {
 public:
  // `layers`, newest first, outlive the cursor.
  LayeredCursor(std::vector<const FreshEntries*> layers, Cursor table);

  Result<void> seek(std::string_view key);  // to the first entry at or after it
  Result<void> next();
  bool valid() const { return valid_; }
  std::string_view key() const { return key_; }
  const FreshEntry* fresh() const { return fresh_; }       // null: the table's row
  std::string_view row() const { return table_.value(); }  // when fresh() is null

 private:
  void settle();
  struct Layer {
    const FreshEntries* entries;
    FreshEntries::const_iterator at;
  };
  std::vector<Layer> layers_;
  Cursor table_;
  bool table_valid_ = false;
  bool valid_ = false;
  std::string_view key_;
  const FreshEntry* fresh_ = nullptr;
};

}  // namespace jcn
