#include "jcn/schema_trial.h"

namespace jcn {
namespace {

class Trial {
 public:
  Trial(const Snapshot& snapshot, const Schema& schema, const SchemaTrialQuery& query)
      : snapshot_(snapshot), schema_(schema), query_(query) {}

  Result<SchemaTrialPage> run() {
    std::string passed;
    if (query_.after) {
      passed = query_.after->id;
      if (query_.after->files > 0) {
        JCN_TRY(const std::optional<Record> record, snapshot_.record({query_.kind, passed}));
        if (record) JCN_CHECK(check(*record, query_.after->files));
      }
    }
    Result<void> checked;
    if (!page_.next) {
      JCN_CHECK(snapshot_.for_each_record({query_.kind, passed}, [&](const Record& record) {
        checked = check(record, 0);
        return checked.ok() && !page_.next;
      }));
    }
    JCN_CHECK(checked);
    return std::move(page_);
  }

 private:
  bool full() const {
    return looked_at_ > 0 && (page_.failures.size() >= query_.size ||
                              std::chrono::steady_clock::now() >= query_.until);
  }

  // The record's files from the given one on.
  Result<void> check(const Record& record, std::uint64_t from) {
    const bool alone = record.exists && record.fragments.size() == 1;
    for (std::uint64_t i = from; i < record.fragments.size(); ++i) {
      if (full()) {
        page_.next = i > 0 ? SchemaTrialPlace{record.key.id, i} : before_;
        return {};
      }
      ++looked_at_;
      const FragmentInfo& fragment = record.fragments[i];
      if (fragment.last_good) continue;
      std::optional<std::string> body;
      if (!alone) {
        JCN_TRY(body, snapshot_.body(fragment.name));
        if (!body) {
          return Error{Code::index_damaged,
                       "the index lacks the content of " + fragment.name.path + "."};
        }
      }
      ++page_.checked;
      if (auto violation = schema_.check(alone ? record.document : *body))
        page_.failures.push_back({fragment.name, record.key.id, std::move(*violation)});
    }
    before_ = {record.key.id, 0};
    return {};
  }

  const Snapshot& snapshot_;
  const Schema& schema_;
  const SchemaTrialQuery& query_;
  SchemaTrialPage page_;
  std::uint64_t looked_at_ = 0;
  SchemaTrialPlace before_;  // behind the last record that is done
};

}  // namespace

Result<SchemaTrialPage> try_schema(const Snapshot& snapshot, const Schema& schema,
                                   const SchemaTrialQuery& query) {
  return Trial(snapshot, schema, query).run();
}

}  // namespace jcn
