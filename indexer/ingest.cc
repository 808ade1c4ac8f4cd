#include "jcn/ingest.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "encoding.h"
#include "jcn/compose.h"
#include "jcn/tracked_time.h"

namespace jcn {
namespace {

struct Part {
  FragmentInfo info;
  std::optional<std::string> body;  // read from the snapshot only when it must be composed
  bool body_changed = false;
};

// A record while a batch is planned: as it was, and as it will be.
struct WorkingRecord {
  std::optional<Record> before;
  std::map<FragmentName, Part> parts;
};

// Bodies stand apart from the document for all but the only fragment of an existing record.
bool bodies_apart(bool exists, std::size_t parts) {
  return !(exists && parts == 1);
}

class Plan {
 public:
  Plan(const Snapshot& snapshot, const Rules& rules, std::int64_t now_ns)
      : snapshot_(snapshot), rules_(rules), now_ns_(now_ns) {}

  Result<void> take(Look look) {
    JCN_TRY(const std::optional<FileRow> old, row(look.name));
    if (std::holds_alternative<Gone>(look.found)) return take_gone(look.name, old);
    FileRow fresh{look.facts, look.read_ns, look.content, {}, {}, 0};
    if (auto* good = std::get_if<GoodFragment>(&look.found)) {
      return take_good(look.name, old, std::move(fresh), std::move(*good));
    }
    return take_reject(look, old, std::move(fresh));
  }

  Result<Batch> finish() {
    std::set<FragmentName> dropped_bodies;
    for (auto& [key, working] : records_) {
      JCN_CHECK(compose_record(key, working, dropped_bodies));
    }
    for (const FragmentName& name : dropped_bodies) batch_.bodies.try_emplace(name, std::nullopt);
    return std::move(batch_);
  }

 private:
  Result<std::optional<FileRow>> row(const FragmentName& name) {
    if (auto it = batch_.files.find(name); it != batch_.files.end()) return it->second;
    return snapshot_.file(name);
  }

  Result<WorkingRecord*> working(const RecordKey& key) {
    if (auto it = records_.find(key); it != records_.end()) return &it->second;
    WorkingRecord fresh;
    JCN_TRY(fresh.before, snapshot_.record(key));
    if (fresh.before) {
      for (const FragmentInfo& info : fresh.before->fragments) {
        fresh.parts[info.name] = Part{info, std::nullopt, false};
      }
    }
    return &records_.emplace(key, std::move(fresh)).first->second;
  }

  Result<void> withdraw(const RecordKey& key, const FragmentName& name) {
    JCN_TRY(WorkingRecord * record, working(key));
    record->parts.erase(name);
    return {};
  }

  Result<void> take_gone(const FragmentName& name, const std::optional<FileRow>& old) {
    if (!old) return {};
    if (old->contributes) JCN_CHECK(withdraw(*old->contributes, name));
    batch_.files[name] = std::nullopt;
    return {};
  }

  Result<void> take_good(const FragmentName& name, const std::optional<FileRow>& old, FileRow fresh,
                         GoodFragment good) {
    if (old && old->contributes && *old->contributes != good.key) {
      JCN_CHECK(withdraw(*old->contributes, name));
    }
    JCN_TRY(WorkingRecord * record, working(good.key));
    const FragmentInfo info{name, fresh.facts.size, fresh.facts.mtime_ns, false};
    record->parts[name] = Part{info, std::move(good.body), true};
    fresh.contributes = std::move(good.key);
    return store(name, old, std::move(fresh));
  }

  Result<void> take_reject(Look& look, const std::optional<FileRow>& old, FileRow fresh) {
    Reject& reject = std::get<Reject>(look.found);
    fresh.since_ns = old && old->reject ? old->since_ns : now_ns_;
    if (old && old->contributes) {
      if (look.judge_anew || ends_last_good(reject.code)) {
        JCN_CHECK(withdraw(*old->contributes, look.name));
      } else {
        fresh.contributes = old->contributes;
        JCN_TRY(WorkingRecord * record, working(*old->contributes));
        if (auto part = record->parts.find(look.name); part != record->parts.end()) {
          part->second.info.last_good = true;
        }
      }
    }
    fresh.reject = std::move(reject);
    return store(look.name, old, std::move(fresh));
  }

  Result<void> store(const FragmentName& name, const std::optional<FileRow>& old, FileRow fresh) {
    if (!old || *old != fresh) batch_.files[name] = std::move(fresh);
    return {};
  }

  // While changed rules are being applied, a fragment that no rule takes any more may still be part
  // of its record, until its own look comes.
  const Rule* rule_of(const FragmentName& name) const {
    static const Rule no_rule;
    const Rule* rule = rules_.find(name);
    return rule ? rule : &no_rule;
  }

  Result<void> fetch_body(const WorkingRecord& working, const FragmentName& name, Part& part) {
    const Record& before = *working.before;  // a part without a body was there before
    if (!bodies_apart(before.exists, before.fragments.size())) {
      part.body = before.document;
      return {};
    }
    JCN_TRY(part.body, snapshot_.body(name));
    if (part.body) return {};
    return Error{Code::index_damaged,
                 "the content of a contributing fragment is missing: " + name.path, rebuild_hint};
  }

  Result<void> compose_record(const RecordKey& key, WorkingRecord& working,
                              std::set<FragmentName>& dropped_bodies) {
    const bool was_apart =
        working.before && bodies_apart(working.before->exists, working.before->fragments.size());
    if (was_apart) {
      for (const FragmentInfo& info : working.before->fragments) {
        if (!working.parts.contains(info.name)) dropped_bodies.insert(info.name);
      }
    }
    if (working.parts.empty()) {
      if (working.before) batch_.records[key] = std::nullopt;
      return {};
    }
    std::vector<Contribution> contributions;
    std::vector<Part*> parts;
    for (auto& [name, part] : working.parts) {
      if (!part.body) JCN_CHECK(fetch_body(working, name, part));
      contributions.push_back({name, rule_of(name), *part.body});
      parts.push_back(&part);
    }
    Composition composition = compose(contributions, rules_.wants_anchor(key.kind));
    Record record;
    record.key = key;
    record.exists = composition.exists;
    if (record.exists) record.rev = hash128(composition.document);
    record.document = std::move(composition.document);
    for (std::size_t index : composition.order) record.fragments.push_back(parts[index]->info);
    if (record.exists) {
      record.since_ns = tracked_time(rules_.tracked_pointer(key.kind), contributions,
                                     record.document, record.fragments);
    }

    const bool apart = bodies_apart(record.exists, parts.size());
    for (auto& [name, part] : working.parts) {
      if (!apart) {
        if (was_apart) dropped_bodies.insert(name);
      } else if (part.body_changed || !was_apart) {
        batch_.bodies[name] = std::move(*part.body);
      }
    }
    const bool same = working.before && working.before->exists == record.exists &&
                      working.before->since_ns == record.since_ns &&
                      working.before->document == record.document &&
                      working.before->fragments == record.fragments;
    if (!same) batch_.records[key] = std::move(record);
    return {};
  }

  const Snapshot& snapshot_;
  const Rules& rules_;
  const std::int64_t now_ns_;
  Batch batch_;
  std::map<RecordKey, WorkingRecord> records_;
};

}  // namespace

bool ends_last_good(Code code) {
  return code == Code::symlink || code == Code::fifo || code == Code::socket ||
         code == Code::device || code == Code::path_too_long;
}

Result<Batch> plan_batch(const Snapshot& snapshot, const Rules& rules, std::vector<Look> looks,
                         std::int64_t now_ns) {
  Plan plan(snapshot, rules, now_ns);
  for (Look& look : looks) JCN_CHECK(plan.take(std::move(look)));
  return plan.finish();
}

Result<Batch> plan_announcement(const Snapshot& snapshot, const std::vector<RecordKey>& keys) {
  Batch batch;
  for (const RecordKey& key : keys) {
    JCN_TRY(batch.records[key], snapshot.record(key));
  }
  return batch;
}

}  // namespace jcn
