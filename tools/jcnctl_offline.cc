// Answers from the index alone, in the daemon's words.
#include "jcn/canonical.h"
#include "jcnctl.h"
#include "json_writer.h"
#include "reject_json.h"
#include "time_text.h"

namespace jcnctl {

using jcn::JsonWriter;
using jcn::Result;

Result<std::optional<std::string>> offline_record(const jcn::Snapshot& snapshot,
                                                  const jcn::RecordKey& key) {
  JCN_TRY(auto record, snapshot.record(key));
  if (!record || !record->exists) return std::optional<std::string>();
  return std::optional<std::string>(std::move(record->document));
}

Result<void> offline_rows(const jcn::Snapshot& snapshot, const FindOptions& options,
                          const RowSink& row) {
  bool created = false, updated = false;
  for (const std::string& column : options.columns) {
    created |= column == "_created";
    updated |= column == "_updated";
  }
  std::uint64_t rows = 0;
  return snapshot.for_each_record({options.kind, ""}, [&](const jcn::Record& record) {
    if (!record.exists) return true;
    const std::string document = options.columns.empty()
                                     ? record.document
                                     : jcn::json_project(record.document, options.columns);
    std::string text;
    JsonWriter json(text);
    json.open('{').key("_id").string(record.key.id);
    if (created) json.key("_created").string(jcn::rfc3339(record.created_ns()));
    if (updated) json.key("_updated").string(jcn::rfc3339(record.updated_ns()));
    for (jcn::JsonCursor member(document); member.next();) {
      const std::string name = jcn::json_unquote(member.name());
      // The computed ones take the place of members of their names.
      if (name == "_id" || (created && name == "_created") || (updated && name == "_updated"))
        continue;
      json.key(name).raw(member.value());
    }
    json.close('}');
    return row(text) && (options.limit == 0 || ++rows < options.limit);
  });
}

Result<void> offline_rejects(const jcn::Snapshot& snapshot, const RowSink& row) {
  return snapshot.for_each_reject({}, [&](const jcn::FragmentName& name, const jcn::FileRow& file) {
    std::string text;
    JsonWriter json(text);
    json.open('{').key("root").string(name.root).key("path").bytes(name.path);
    jcn::write_reject_members(json, *file.reject);
    json.key("since").string(jcn::rfc3339(file.since_ns)).key("serving");
    json.raw(file.serving_last_good() ? "\"last-good\"" : "null").close('}');
    return row(text);
  });
}

std::string offline_status(const jcn::Snapshot& snapshot, const std::string& index) {
  const jcn::IndexCounts counts = snapshot.counts();
  std::string text;
  JsonWriter json(text);
  json.open('{').key("version").string(JCN_VERSION).key("uuid").string(snapshot.uuid());
  json.key("seq").string(snapshot.uuid() + "-" + std::to_string(snapshot.seq()));
  json.key("index").bytes(index).key("kinds").open('{');
  for (const auto& [kind, records] : counts.records) json.key(kind).number(records);
  json.close('}').key("fragments").number(counts.fragments).key("rejects").number(counts.rejects);
  json.key("daemon").boolean(false).close('}');
  return text;
}

}  // namespace jcnctl
