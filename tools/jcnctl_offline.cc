// Answers from the index alone, in the daemon's words.
#include "jcn/time_text.h"
#include "jcnctl.h"
#include "json_writer.h"
#include "reject_json.h"

namespace jcnctl {

using jcn::JsonWriter;
using jcn::Result;

Result<std::optional<std::string>> offline_record(const jcn::Snapshot& snapshot,
                                                  const jcn::RecordKey& key) {
  JCN_TRY(auto record, snapshot.record(key));
  if (!record || !record->exists) return std::optional<std::string>();
  return std::optional<std::string>(std::move(record->document));
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
