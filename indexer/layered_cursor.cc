#include "layered_cursor.h"

#include <algorithm>

namespace jcn {

LayeredCursor::LayeredCursor(std::vector<const FreshEntries*> layers, Cursor table)
    : table_(std::move(table)) {
  for (const FreshEntries* entries : layers) {
    if (!entries->empty()) layers_.push_back({entries, entries->begin()});
  }
}

Result<void> LayeredCursor::seek(std::string_view key) {
  for (Layer& layer : layers_) {
    layer.at =
        std::lower_bound(layer.entries->begin(), layer.entries->end(), key,
                         [](const FreshEntry& entry, std::string_view k) { return entry.key < k; });
  }
  JCN_TRY(table_valid_, table_.seek(key));
  settle();
  return {};
}

Result<void> LayeredCursor::next() {
  const std::string_view passed = key_;
  for (Layer& layer : layers_) {
    if (layer.at != layer.entries->end() && layer.at->key == passed) ++layer.at;
  }
  if (table_valid_ && table_.key() == passed) {
    JCN_TRY(table_valid_, table_.next());
  }
  settle();
  return {};
}

void LayeredCursor::settle() {
  valid_ = false;
  fresh_ = nullptr;
  for (const Layer& layer : layers_) {  // newest first: the first of equal keys wins
    if (layer.at == layer.entries->end()) continue;
    if (!valid_ || layer.at->key < key_) {
      valid_ = true;
      key_ = layer.at->key;
      fresh_ = &*layer.at;
    }
  }
  if (table_valid_ && (!valid_ || table_.key() < key_)) {
    valid_ = true;
    key_ = table_.key();
    fresh_ = nullptr;
  }
}

}  // namespace jcn
