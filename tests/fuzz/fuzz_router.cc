// A request that the guard lets pass, over a small index: every answer is well-formed, none is a
// failure of the server, and what a listing answers is what its filters, searches and facets say of
// the documents, worked out one by one.
//
// METHOD TARGET, then NAME:VALUE lines, an empty line, and a body.
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http_guard.h"
#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/index_writer.h"
#include "jcn/query.h"
#include "jcn/read.h"
#include "jcn/schema.h"
#include "listing_parameters.h"
#include "match.h"
#include "property.h"
#include "routes.h"
#include "sort_value.h"
#include "text.h"
#include "value_key.h"

namespace {

constexpr std::int64_t second = 1'000'000'000;

// --- an index, and a daemon that has it
// -----------------------------------------------------------

class SmallIndex : public jcn::Service {
 public:
  SmallIndex() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jcn-fuzz-XXXXXX").string();
    PROPERTY(::mkdtemp(pattern.data()));
    folder_ = pattern;
    jcn::WriterOptions options;
    options.map_bytes = 64 << 20;
    auto opened = jcn::IndexWriter::open((folder_ / "index").string(), options);
    PROPERTY(opened.ok());
    writer_ = std::move(*opened);
    std::filesystem::create_directory(folder_ / "notes");
    const auto root = [this](const std::string& name) -> jcn::Result<jcn::FragmentFiles::Folder> {
      if (name != "notes") return jcn::Error{jcn::Code::no_such_root, "no root " + name};
      auto found = jcn::open_root((folder_ / "notes").string());
      PROPERTY(found.ok());
      return std::make_shared<const jcn::FileDescriptor>(std::move(*found));
    };
    jcn::WebhookConfig webhook;
    webhook.name = "site";
    webhook.url = "http://127.0.0.1/";
    // Never ready: nothing is sent.
    webhooks_ = std::make_unique<jcn::Webhooks>(
        jcn::Webhooks::Surroundings{[this] { return snapshot(); }, [] { return false; },
                                    [](const jcn::Error&) {}, (folder_ / "webhooks").string()});
    webhooks_->configure({webhook});
    files_ = std::make_unique<jcn::FragmentFiles>(
        jcn::FragmentFiles::Surroundings{true, (folder_ / "writes").string(), root, 1});
    fill();
    rules_->rules[0].anchor = true;
    rules_->search_weights["videos"] = {{"/title", 3.0}, {"/tags", 0.5}};
    const auto schema = jcn::Schema::compile(R"({"properties":{"n":{"type":"number"}}})");
    rules_->schemas["videos"].schema = std::get<std::shared_ptr<const jcn::Schema>>(schema);
  }
  ~SmallIndex() override {
    webhooks_.reset();
    writer_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  SmallIndex(const SmallIndex&) = delete;
  SmallIndex& operator=(const SmallIndex&) = delete;

  jcn::Result<jcn::Snapshot> snapshot() override { return writer_->snapshot(); }
  std::shared_ptr<const jcn::Rules> rules() override { return rules_; }
  std::chrono::milliseconds query_timeout() override { return std::chrono::minutes(10); }
  jcn::Result<std::vector<jcn::StatusHistory::Row>> history(std::size_t minutes) override {
    return std::vector<jcn::StatusHistory::Row>(std::min<std::size_t>(minutes, 2));
  }
  jcn::Status status() override {
    jcn::Status status;
    status.index = "/index";
    status.roots = {{"notes", "/srv/notes", "watching"}};
    status.crawl_state = "done";
    return status;
  }
  jcn::Readiness readiness() override { return {false, {{"root_offline", "a \"root\" is away"}}}; }
  jcn::Result<jcn::SyncAnswer> sync(std::chrono::milliseconds timeout, bool) override {
    if (timeout.count() == 0) return jcn::Error{jcn::Code::sync_timeout, "not yet"};
    return jcn::SyncAnswer{writer_->seq(), {{"notes", "odd\xff.json"}}};
  }
  jcn::Result<jcn::FragmentName> locate(const std::string& path) override {
    if (!path.starts_with("/srv/notes/")) return jcn::Error{jcn::Code::no_such_root, "no root"};
    return jcn::FragmentName{"notes", path.substr(11)};
  }
  jcn::Result<jcn::Explanation> explain(const jcn::FragmentName& name) override {
    if (name.root != "notes") return jcn::Error{jcn::Code::no_such_root, "no root " + name.root};
    jcn::Explanation explanation{name.root,
                                 name.path,
                                 "rejected",
                                 "for a reason",
                                 0,
                                 "videos",
                                 jcn::RecordKey{"videos", "a"},
                                 {}};
    explanation.row = *writer_->snapshot()->file(name);
    return explanation;
  }
  jcn::Result<void> accept(const std::string& root) override {
    if (root == "notes") return {};
    return jcn::Error{jcn::Code::no_such_root, "no root " + root};
  }
  jcn::Result<std::uint64_t> take_care(jcn::UpkeepWork) override {
    return jcn::Error{jcn::Code::overloaded, "it is under way"};
  }
  std::optional<std::uint64_t> answering() override { return 1; }
  void failed(const jcn::Error& error) override {
    PROPERTY(error.code != jcn::Code::index_damaged && error.code != jcn::Code::internal);
  }
  jcn::FeedGate& feeds() override { return *gate; }
  jcn::FragmentFiles& fragments() override { return *files_; }
  jcn::Webhooks& webhooks() override { return *webhooks_; }
  jcn::Result<jcn::SeenAt> wait_until_seen(const std::vector<jcn::Awaited>& awaited,
                                           std::chrono::milliseconds) override {
    return jcn::SeenAt{writer_->seq(), std::vector<bool>(awaited.size(), true)};
  }
  // Of the fragments that were written: all are plain files beneath the root, none is half a one.
  void clear_files() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "notes"))
      PROPERTY(!entry.path().filename().string().starts_with('.'));
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "notes"))
      std::filesystem::remove_all(entry.path());
    if (std::filesystem::exists(folder_ / "writes"))
      PROPERTY(std::filesystem::is_empty(folder_ / "writes"));
  }
  jcn::Result<jcn::SnapshotFile> snapshot_file() override {
    return jcn::Error{jcn::Code::not_ready, "it is being made"};
  }

  std::unique_ptr<jcn::FeedGate> gate;  // of the request under way

 private:
  void put(jcn::Batch& batch, const std::string& id, const std::string& document,
           const std::string& kind = "videos", bool exists = true) {
    jcn::Record record;
    record.key = {kind, id};
    record.exists = exists;
    record.document = document;
    const auto size = static_cast<std::int64_t>(document.size());
    record.fragments.push_back({{"notes", id + ".json"}, document.size(), size * second, false});
    batch.records[record.key] = record;
    jcn::FileRow row;
    row.facts = {document.size(), size * second, size * second, 7};
    row.contributes = record.key;
    batch.files[record.fragments[0].name] = row;
    if (!exists) batch.bodies[record.fragments[0].name] = "{}";
  }

  // Some folded, some fresh, some both; some gone.
  void fill() {
    jcn::Batch folded, fresh;
    put(folded, "a", R"({"title":"One word","n":1,"tags":["x","y"],"o":{"p":[1,{"q":"z"}]}})");
    put(folded, "b", R"({"title":"Two words, one word","n":2.0,"tags":[]})");
    put(folded, "c", R"({"title":"日本語","n":"2","tags":"x","_id":5,"e":{}})");
    put(folded, "d", R"({"n":null,"t":true,"long":")" + std::string(200, 'l') + R"("})");
    put(folded, "e", R"({"n":1e2,"t":false,"tags":[5,"5",null,true]})");
    put(folded, "f", R"({})");
    put(folded, "g", R"({"title":"gone"})");
    put(folded, "p", R"({"name":"Ürümqi"})", "people");
    put(folded, "orphan", "", "videos", false);
    jcn::FileRow bad;
    bad.facts = {3, 5 * second, 5 * second, 9};
    bad.reject = jcn::Reject{jcn::Code::syntax_error, 1, 2, 1, "/a", "no JSON"};
    folded.files[{"notes", "bad\xff.json"}] = bad;
    PROPERTY(writer_->publish(std::move(folded)).ok() && writer_->fold().ok());
    put(fresh, "b", R"({"title":"Two words, new one","n":3,"tags":["y","y"]})");
    put(fresh, "h/i", R"({"title":"a path","n":-1.5,"long":")" + std::string(200, 'l') + R"(x"})");
    put(fresh, "j", R"({"title":"One \"quoted\" word","n":[3,1,2],"x/y~":{"":0}})");
    fresh.records[{"videos", "g"}] = std::nullopt;
    fresh.files[{"notes", "g.json"}] = std::nullopt;
    PROPERTY(writer_->publish(std::move(fresh)).ok());
  }

  std::filesystem::path folder_;
  std::unique_ptr<jcn::IndexWriter> writer_;
  std::unique_ptr<jcn::Webhooks> webhooks_;
  std::unique_ptr<jcn::FragmentFiles> files_;
  std::shared_ptr<jcn::Rules> rules_ = std::make_shared<jcn::Rules>();
};

// --- any answer
// -----------------------------------------------------------------------------------

bool is_json(std::string_view text) {
  const auto checked = jcn::check_json(text, {1ULL << 30, 1000, 1'000'000});
  return std::holds_alternative<std::string>(checked);
}

void well_formed(const jcn::Response& response) {
  PROPERTY(!jcn::reason_phrase(response.status).empty());
  for (const auto& [name, value] : response.headers) {
    PROPERTY(std::all_of(value.begin(), value.end(),
                         [](char c) { return c >= 0x20 && static_cast<unsigned char>(c) < 0x7F; }));
  }
  if (response.status == 304) {
    PROPERTY(response.body.empty());
    return;
  }
  const bool problem = response.content_type == "application/problem+json";
  PROPERTY(problem == (response.status >= 400) || response.content_type == "application/json");
  if (response.content_type == "application/x-ndjson") {
    for (std::string_view rest = response.body; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      PROPERTY(end != rest.npos && (end == 0 || is_json(rest.substr(0, end))));
      rest.remove_prefix(end + 1);
    }
  } else if (response.content_type.ends_with("json") && !response.stream) {
    PROPERTY(is_json(response.body));
  }
  if (!problem) return;
  const auto code = jcn::json_member(response.body, "code");
  PROPERTY(code.has_value());
  for (const std::string_view never : {"\"internal\"", "\"index_damaged\"", "\"query_timeout\""}) {
    PROPERTY(*code != never);
  }
  PROPERTY(jcn::json_member(response.body, "status") == std::to_string(response.status));
  PROPERTY(response.status != 500);
}

// What goes on, goes on until the gate is closed, which it is.
void stream(const jcn::Response& response, SmallIndex& service) {
  service.gate->close();
  std::string sent;
  unsigned pieces = 0;
  response.stream([&](std::string_view piece) {
    sent += piece;
    return ++pieces < 50;
  });
  PROPERTY(pieces < 50);
  if (response.content_type == "application/json" && !sent.empty()) PROPERTY(is_json(sent));
}

// --- what a listing must say
// ----------------------------------------------------------------------

using Records = std::vector<jcn::Record>;  // that exist, by id

Records records_of(SmallIndex& service, const std::string& kind) {
  Records found;
  const auto snapshot = service.snapshot();
  PROPERTY(snapshot.ok());
  PROPERTY(snapshot
               ->for_each_record({kind, ""},
                                 [&](const jcn::Record& record) {
                                   if (record.exists) found.push_back(record);
                                   return true;
                                 })
               .ok());
  return found;
}

bool has_phrase(std::string_view value, const jcn::SearchPhrase& phrase) {
  switch (jcn::json_type(value)) {
    case jcn::JsonType::string:
      return jcn::count_phrase(jcn::json_unquote(value), phrase) > 0;
    case jcn::JsonType::array:
    case jcn::JsonType::object:
      for (jcn::JsonCursor cursor(value); cursor.next();) {
        if (has_phrase(cursor.value(), phrase)) return true;
      }
      return false;
    default:
      return false;
  }
}

bool fulfils(const jcn::Query& query, const jcn::Record& record) {
  if (!jcn::matches_all(query.filters, record)) return false;
  return std::all_of(query.searches.begin(), query.searches.end(), [&](const auto& search) {
    const auto phrases = jcn::parse_search(search.words);
    return std::all_of(phrases.begin(), phrases.end(),
                       [&](const auto& phrase) { return has_phrase(record.document, phrase); });
  });
}

// Values of a field that facets count, by key: all but null.
std::set<std::string> facet_keys(const jcn::Field& field, const jcn::Record& record) {
  std::set<std::string> keys;
  const auto value = jcn::member_at(record.document, field);
  if (!value) return keys;
  jcn::for_each_scalar(*value, [&](std::string_view scalar) {
    if (scalar != "null") keys.insert(jcn::value_key(scalar));
    return true;
  });
  return keys;
}

void compare_facets(const jcn::Query& query, const jcn::QueryAnswer& answer,
                    const std::vector<const jcn::Record*>& found) {
  PROPERTY(answer.facets.size() == query.facets.size());
  for (std::size_t i = 0; i < query.facets.size(); ++i) {
    if (query.facets[i].kind != jcn::Field::Kind::member) continue;
    std::map<std::string, std::uint64_t> counts;
    for (const jcn::Record* record : found) {
      for (const std::string& key : facet_keys(query.facets[i], *record)) ++counts[key];
    }
    const jcn::Facet& facet = answer.facets[i];
    PROPERTY(facet.values.size() == std::min<std::size_t>(counts.size(), query.facet_size));
    PROPERTY(facet.truncated == (facet.values.size() < counts.size()));
    std::uint64_t last = ~std::uint64_t{0};
    for (const jcn::FacetValue& value : facet.values) {
      PROPERTY(counts[jcn::value_key(value.value)] == value.count && value.count <= last);
      last = value.count;
    }
  }
}

// Which of two follows the other, where something other than relevance says so.
bool in_order(const jcn::Query& query, const jcn::Record& a, const jcn::Record& b) {
  int order = 0;
  if (query.sort && query.sort->kind == jcn::Field::Kind::member) {
    const auto value = [&](const jcn::Record& record) {
      return jcn::extreme_value(jcn::member_at(record.document, *query.sort), query.descending);
    };
    order = jcn::compare(value(a), value(b));
    if (query.descending) order = -order;
  } else if (query.sort && query.sort->kind != jcn::Field::Kind::id) {
    // None is before all times.
    const auto time = [&](const jcn::Record& record) -> std::optional<std::int64_t> {
      if (query.sort->kind == jcn::Field::Kind::since) return record.since_ns;
      return query.sort->kind == jcn::Field::Kind::created ? record.created_ns()
                                                           : record.updated_ns();
    };
    order = time(a) < time(b) ? -1 : time(b) < time(a);
    if (query.descending) order = -order;
  } else if (query.sort && query.descending) {
    return a.key.id > b.key.id;
  }
  return order < 0 || (order == 0 && a.key.id < b.key.id);
}

// Page after page: each record that fulfils the query, once, in its order.
void walk(SmallIndex& service, jcn::Query query) {
  const auto snapshot = service.snapshot();
  PROPERTY(snapshot.ok());
  const Records records = records_of(service, query.kind);
  std::vector<const jcn::Record*> wanted;
  bool plain = true;  // what a search in one field means is not worked out here
  for (const jcn::SearchTerm& search : query.searches) plain = plain && !search.field;
  for (const jcn::Record& record : records) {
    if (fulfils(query, record)) wanted.push_back(&record);
  }
  query.count = true;
  query.size = std::max(query.size, 1U);
  query.after.reset();
  const bool ordered = query.sort || query.searches.empty();
  std::vector<jcn::Record> rows;
  for (unsigned pages = 0;; ++pages) {
    const auto answer = jcn::run_query(*snapshot, query);
    PROPERTY(answer.ok() && answer->count.has_value());
    if (plain) {
      PROPERTY(*answer->count == wanted.size());
      compare_facets(query, *answer, wanted);
    }
    rows.insert(rows.end(), answer->rows.begin(), answer->rows.end());
    PROPERTY(pages <= records.size() && rows.size() <= *answer->count);
    if (!answer->next) {
      PROPERTY(rows.size() == *answer->count);
      break;
    }
    PROPERTY(answer->rows.size() == query.size);
    query.after = answer->next;
  }
  std::set<std::string> ids;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PROPERTY(ids.insert(rows[i].key.id).second);
    PROPERTY(fulfils(query, rows[i]));
    if (ordered && i > 0) PROPERTY(in_order(query, rows[i - 1], rows[i]));
  }
  if (!plain) return;
  for (const jcn::Record* record : wanted) PROPERTY(ids.contains(record->key.id));
}

void listing(const jcn::Request& request, SmallIndex& service) {
  const std::string_view kind = request.raw_path.substr(4);
  if (kind != "videos" && kind != "people") return;
  const auto parameters = jcn::QueryParameters::read(request.raw_query);
  if (!parameters || parameters->find("_id")) return;
  const auto rules = service.rules();
  const auto asked =
      jcn::read_listing(std::string(kind), *parameters, rules->weights(std::string(kind)),
                        rules->scope(std::string(kind)));
  if (asked) walk(service, asked->query);
}

// --- the request
// ----------------------------------------------------------------------------------

std::string_view cut(std::string_view& rest, char at) {
  const std::size_t end = rest.find(at);
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return found;
}

bool read_request(std::string_view rest, jcn::Request& request) {
  std::string_view target = cut(rest, '\n');
  request.method = cut(target, ' ');
  request.raw_path = cut(target, '?');
  request.raw_query = target;
  request.headers.push_back({"Host", "localhost:8640"});
  for (std::string_view line = cut(rest, '\n'); !line.empty(); line = cut(rest, '\n')) {
    const std::string_view name = cut(line, ':');
    request.headers.push_back({name, line});
  }
  jcn::GuardOptions options;
  options.port = 8640;
  if (jcn::guard({request.method, "1.1", request.raw_path, request.raw_query, request.headers},
                 options)) {
    return false;
  }
  if (request.method == "POST" || request.method == "PUT") request.body = rest;
  return true;
}

jcn::Response ask(const jcn::Request& request, SmallIndex& service) {
  service.gate = std::make_unique<jcn::FeedGate>(1);
  jcn::Response response = jcn::handle(request, service);
  well_formed(response);
  return response;
}

// A GET's answer is also its HEAD's, and nobody has to be told it twice.
void same_again(const jcn::Request& request, const jcn::Response& response, SmallIndex& service) {
  jcn::Request head = request;
  head.method = "HEAD";
  const jcn::Response same = ask(head, service);
  PROPERTY(same.status == response.status && same.content_type == response.content_type);
  const auto tag = response.header("ETag");
  PROPERTY(same.header("ETag") == tag);
  if (!tag || response.status != 200 || request.header("If-None-Match")) return;
  const std::string condition(*tag);
  head.headers.push_back({"If-None-Match", condition});
  PROPERTY(ask(head, service).status == 304);
}

// What was written is there, byte for byte, and goes when its tag says so.
void written(const jcn::Request& request, const jcn::Response& response, SmallIndex& service) {
  jcn::Request again = request;
  again.headers.clear();
  again.method = "GET";
  const jcn::Response got = ask(again, service);
  PROPERTY(got.status == 200 && got.body == request.body);
  PROPERTY(got.header("ETag") == response.header("ETag"));
  again.method = "PUT";
  PROPERTY(ask(again, service).status == 428);
  const std::string tag(*got.header("ETag"));
  again.method = "DELETE";
  again.headers.push_back({"If-Match", tag});
  PROPERTY(ask(again, service).status == 200);
  PROPERTY(ask(again, service).status == 404);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SmallIndex service;
  jcn::Request request;
  if (!read_request({reinterpret_cast<const char*>(data), size}, request)) return 0;
  const jcn::Response response = ask(request, service);
  if (response.stream) {
    stream(response, service);
  } else if (request.method == "GET") {
    same_again(request, response, service);
  }
  if (request.method == "PUT" && response.status == 201) written(request, response, service);
  if (request.method != "GET" && request.raw_path.starts_with("/v1/fragments/"))
    service.clear_files();
  if (response.status == 200 && request.raw_path.starts_with("/v1/") && !response.stream) {
    listing(request, service);
  }
  return 0;
}
