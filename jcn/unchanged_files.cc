#include "unchanged_files.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "jcn/judge.h"
#include "jcn/read.h"

namespace jcn {

std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> unchanged_files(
    std::vector<RootConfig> roots, std::function<std::shared_ptr<const Rules>()> rules) {
  return [roots = std::move(roots), rules = std::move(rules)](
             const FragmentName& name, const FileRow& row) -> std::optional<std::string> {
    const std::shared_ptr<const Rules> now = rules();
    const auto root = std::find_if(roots.begin(), roots.end(), [&](const RootConfig& known) {
      return known.name == name.root;
    });
    if (root == roots.end() || !now->find(name)) return std::nullopt;
    const Result<FileDescriptor> folder = open_root(root->path);
    if (!folder) return std::nullopt;
    const ReadOutcome outcome = read_fragment(folder->get(), name.path, now->limits.max_bytes);
    const auto* read = std::get_if<ReadBytes>(&outcome);
    if (!read || hash128(read->bytes) != row.content) return std::nullopt;
    auto verdict = judge(*now, name, read->bytes);
    auto* good = std::get_if<GoodFragment>(&verdict);
    if (!good || good->key != row.contributes) return std::nullopt;
    return std::move(good->body);
  };
}

}  // namespace jcn
