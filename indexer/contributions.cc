#include "jcn/contributions.h"

namespace jcn {

Result<RecordContributions> read_contributions(const Snapshot& snapshot, const Rules& rules,
                                               const Record& record) {
  static const Rule standard;
  RecordContributions all;
  all.bodies.reserve(record.fragments.size());
  for (const FragmentInfo& fragment : record.fragments) {
    if (record.exists && record.fragments.size() == 1) {
      all.bodies.push_back(record.document);
    } else {
      JCN_TRY(auto body, snapshot.body(fragment.name));
      if (!body) {
        return Error{Code::index_damaged,
                     "the index lacks the content of " + fragment.name.path + "."};
      }
      all.bodies.push_back(std::move(*body));
    }
    const Rule* rule = rules.find(fragment.name);
    all.list.push_back({fragment.name, rule ? rule : &standard, all.bodies.back()});
  }
  return all;
}

}  // namespace jcn
