#include "jcn/conflicts.h"

#include <algorithm>

#include "jcn/contributions.h"
#include "keys.h"

namespace jcn {
namespace {

class ConflictWalk {
 public:
  ConflictWalk(const Snapshot& snapshot, const Rules& rules, const ConflictQuery& query)
      : snapshot_(snapshot), rules_(rules), query_(query) {}

  Result<ConflictPage> run() {
    if (query_.size == 0) return std::move(page_);
    FragmentName after;
    if (query_.after && query_.after->pointer) {
      // The rest of a record whose conflicts did not fit.
      JCN_CHECK(look_at(query_.after->file));
    }
    if (query_.after) after = query_.after->file;
    if (!page_.next) {
      JCN_CHECK(snapshot_.for_each_kept_body(after, [&](const FragmentName& name) {
        if (passed_ &&
            (looked_at_ >= query_.files || std::chrono::steady_clock::now() >= query_.until)) {
          page_.next = ConflictPlace{*passed_, std::nullopt};
          return false;
        }
        failed_ = look_at(name);
        passed_ = name;
        return failed_.ok() && !page_.next;
      }));
    }
    JCN_CHECK(failed_);
    return std::move(page_);
  }

 private:
  // A record is taken up at the first of its files, and passed over at the others.
  Result<void> look_at(const FragmentName& name) {
    ++looked_at_;
    JCN_TRY(const std::optional<FileRow> row, snapshot_.file(name));
    if (!row || !row->contributes) return {};
    if (!query_.kind.empty() && row->contributes->kind != query_.kind) return {};
    // Files of one record often lie side by side; then the first of them was here just before.
    if (seen_ && *seen_ == *row->contributes) return {};
    seen_ = row->contributes;
    JCN_TRY(const std::optional<Record> record, snapshot_.record(*row->contributes));
    if (!record || !record->exists || record->fragments.size() < 2) return {};
    const std::string key = file_key_bytes(name);
    const bool first = std::all_of(
        record->fragments.begin(), record->fragments.end(),
        [&](const FragmentInfo& fragment) { return key <= file_key_bytes(fragment.name); });
    if (!first) return {};
    JCN_TRY(const RecordContributions contributions,
            read_contributions(snapshot_, rules_, *record));
    for (Origin& origin : origins(contributions.list)) {
      if (origin.shadowed.empty() || is_passed(name, origin.pointer)) continue;
      if (page_.rows.size() >= query_.size || bytes_ >= query_.page_bytes) {
        page_.next = before_;
        return {};
      }
      before_ = ConflictPlace{name, origin.pointer};
      add(record->key, std::move(origin), contributions.list);
    }
    return {};
  }

  bool is_passed(const FragmentName& name, const std::string& pointer) const {
    return query_.after && query_.after->pointer && query_.after->file == name &&
           pointer <= *query_.after->pointer;
  }

  void add(const RecordKey& key, Origin origin, const std::vector<Contribution>& list) {
    Conflict& row = page_.rows.emplace_back();
    row.key = key;
    row.pointer = std::move(origin.pointer);
    row.winner = side(list[origin.winner], std::move(origin.value));
    for (const Opinion& opinion : origin.shadowed)
      row.shadowed.push_back(side(list[opinion.contribution], std::string(opinion.value)));
  }

  ConflictSide side(const Contribution& contribution, std::string value) {
    bytes_ += value.size() + contribution.name.root.size() + contribution.name.path.size();
    return {contribution.name, std::move(value)};
  }

  const Snapshot& snapshot_;
  const Rules& rules_;
  const ConflictQuery& query_;
  ConflictPage page_;
  std::uint64_t looked_at_ = 0, bytes_ = 0;
  std::optional<RecordKey> seen_;        // the last record that was looked at
  std::optional<FragmentName> passed_;   // the last file that is done
  std::optional<ConflictPlace> before_;  // of the last row
  Result<void> failed_;
};

}  // namespace

Result<ConflictPage> find_conflicts(const Snapshot& snapshot, const Rules& rules,
                                    const ConflictQuery& query) {
  return ConflictWalk(snapshot, rules, query).run();
}

}  // namespace jcn
