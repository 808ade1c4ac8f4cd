#include "kept_shapes.h"

#include <charconv>

#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;
using Counts = std::array<std::uint64_t, forms>;

// "5 0 12": a number per form.
bool read_counts(std::string_view text, Counts& counts) {
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::size_t form = 0; form < forms; ++form) {
    if (form > 0 && (at == end || *at++ != ' ')) return false;
    const auto read = std::from_chars(at, end, counts[form]);
    if (read.ec != std::errc()) return false;
    at = read.ptr;
  }
  return at == end;
}

}  // namespace

Result<void> insert_shapes(Database& file, const ShapesByKind& all) {
  JCN_TRY(Statement row, file.prepare(insert_sql("_shapes", 4)));
  for (const auto& [kind, shapes] : all) {
    std::map<std::string, NodeId> nodes;  // by path
    for (NodeId node = 0; node < shapes.size(); ++node) {
      const bool kept = node == Shapes::root || shapes[node].records > 0;
      if (kept) nodes.emplace(shapes.path(node), node);
    }
    for (const auto& [path, node] : nodes) {
      std::string counts;
      for (const std::uint64_t count : shapes[node].counts) {
        counts += (counts.empty() ? "" : " ") + std::to_string(count);
      }
      row.bind(1, kind);
      row.bind(2, path);
      row.bind(3, static_cast<std::int64_t>(shapes[node].records));
      row.bind(4, counts);
      JCN_CHECK(row.run());
    }
  }
  return {};
}

Result<ShapesByKind> read_shapes(Database& file) {
  JCN_TRY(Statement row,
          file.prepare(R"(SELECT "kind", "path", "records", "forms" FROM "_shapes")"));
  ShapesByKind all;
  for (;;) {
    JCN_TRY(const bool more, row.step());
    if (!more) return all;
    Counts counts{};
    const std::string_view path = row.text(1);
    const bool well_formed = path.empty() || path.front() == '/';
    if (!well_formed || row.integer(2) < 0 || !read_counts(row.text(3), counts)) {
      return Error{Code::system, "the file's table _shapes is damaged",
                   "run it without --incremental, which makes a new file"};
    }
    Shapes& shapes = all[std::string(row.text(0))];
    shapes.set(shapes.at_path(path), static_cast<std::uint64_t>(row.integer(2)), counts);
  }
}

}  // namespace jcn_export
