#include "jcn/dump.h"

#include "encoding.h"
#include "jcn/canonical.h"
#include "jcn/compose.h"

namespace jcn {
namespace {

struct DumpedFragment {
  const FragmentName* name;
  bool last_good;
};

struct DumpedRecord {
  const RecordKey* key;
  Hash128 rev;
  bool exists = true;
  std::string_view document;
  std::vector<DumpedFragment> fragments;
};

void append_name(std::string& out, const FragmentName& name) {
  out += "\"root\":";
  out += json_quote_bytes(name.root);
  out += ",\"path\":";
  out += json_quote_bytes(name.path);
}

std::string record_line(const DumpedRecord& record) {
  std::string out = "{\"kind\":";
  json_quote_onto(out, record.key->kind);
  out += ",\"id\":";
  json_quote_onto(out, record.key->id);
  if (record.exists) {
    out += ",\"rev\":\"" + record.rev.hex() + "\",\"record\":";
    out += record.document;
  } else {
    out += ",\"rev\":null,\"record\":null";
  }
  out += ",\"fragments\":[";
  for (const DumpedFragment& fragment : record.fragments) {
    if (&fragment != &record.fragments.front()) out += ',';
    out += '{';
    append_name(out, *fragment.name);
    out += ",\"status\":";
    out += fragment.last_good ? "\"last-good\"" : record.exists ? "\"indexed\"" : "\"orphan\"";
    out += '}';
  }
  out += "]}";
  return out;
}

std::string reject_line(const FragmentName& name, const Reject& reject) {
  std::string out = "{";
  append_name(out, name);
  out += ",\"status\":\"rejected\",\"code\":\"";
  out += code_name(reject.code);
  out += '"';
  const auto place = [&out](const char* member, const std::optional<std::uint64_t>& value) {
    out += member;
    out += value ? std::to_string(*value) : "null";
  };
  place(",\"line\":", reject.line);
  place(",\"column\":", reject.column);
  place(",\"offset\":", reject.offset);
  out += ",\"pointer\":";
  out += reject.pointer ? json_quote_bytes(*reject.pointer) : "null";
  out += ",\"message\":";
  out += json_quote_bytes(reject.message);
  out += '}';
  return out;
}

bool has_last_good(const Record& record) {
  for (const FragmentInfo& fragment : record.fragments) {
    if (fragment.last_good) return true;
  }
  return false;
}

std::string as_it_stands(const Record& record) {
  DumpedRecord dumped{&record.key, hash128(record.document), record.exists, record.document, {}};
  for (const FragmentInfo& fragment : record.fragments) {
    dumped.fragments.push_back({&fragment.name, fragment.last_good});
  }
  return record_line(dumped);
}

// The record as it were if last-good content did not count; empty when nothing would be left of it.
Result<std::string> without_last_good(const Snapshot& snapshot, const Rules& rules,
                                      const Record& record) {
  std::vector<Contribution> contributions;
  std::vector<std::string> bodies;
  for (const FragmentInfo& fragment : record.fragments) {
    if (fragment.last_good) continue;
    JCN_TRY(std::optional<std::string> body, snapshot.body(fragment.name));
    if (!body) {
      return Error{Code::index_damaged,
                   "no content is kept for " + json_quote_bytes(fragment.name.path),
                   rebuild_hint};
    }
    bodies.push_back(std::move(*body));
    contributions.push_back({fragment.name, rules.find(fragment.name), {}});
  }
  if (contributions.empty()) return std::string();
  for (std::size_t i = 0; i < bodies.size(); ++i) contributions[i].body = bodies[i];
  const Composition composition = compose(contributions, rules.wants_anchor(record.key.kind));
  DumpedRecord dumped{
      &record.key, hash128(composition.document), composition.exists, composition.document, {}};
  for (const std::size_t i : composition.order) {
    dumped.fragments.push_back({&contributions[i].name, false});
  }
  return record_line(dumped);
}

}  // namespace

Result<void> dump(const Snapshot& snapshot, const Rules& rules, bool served,
                  const std::function<void(std::string_view line)>& line) {
  Result<void> problem;
  JCN_CHECK(snapshot.for_each_record([&](const Record& record) {
    if (served || !has_last_good(record)) {
      line(as_it_stands(record));
      return true;
    }
    auto text = without_last_good(snapshot, rules, record);
    if (!text) {
      problem = std::move(text).error();
      return false;
    }
    if (!text->empty()) line(*text);
    return true;
  }));
  JCN_CHECK(std::move(problem));
  return snapshot.for_each_reject({}, [&line](const FragmentName& name, const FileRow& row) {
    if (row.reject) line(reject_line(name, *row.reject));
    return true;
  });
}

}  // namespace jcn
