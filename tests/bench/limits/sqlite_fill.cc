// The peer of a first crawl: the same files into SQLite, with FTS5 over every text and five
// indexes.
//   sqlite_fill FOLDER DATABASE: prints {"files":…,"bytes":…,"seconds":…,"minified":…}
// The files are read into memory first, which does not count. One thread, one transaction, prepared
// statements, no journal and no sync; indexes are made after the rows. "minified": bytes of the
// documents without white space.
#include <dirent.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace {

using rapidjson::Value;

struct File {
  std::string path, text;
};

sqlite3* database = nullptr;

[[noreturn]] void fail(const char* doing) {
  std::fprintf(stderr, "sqlite_fill: %s: %s\n", doing, sqlite3_errmsg(database));
  std::exit(1);
}

void run(const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

sqlite3_stmt* prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) != SQLITE_OK) fail(sql);
  return statement;
}

void bind_text(sqlite3_stmt* statement, int column, const char* text, std::size_t size) {
  sqlite3_bind_text64(statement, column, text, size, SQLITE_STATIC, SQLITE_UTF8);
}

void bind(sqlite3_stmt* statement, int column, const Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member != object.MemberEnd() && member->value.IsString()) {
    bind_text(statement, column, member->value.GetString(), member->value.GetStringLength());
  } else if (member != object.MemberEnd() && member->value.IsNumber()) {
    sqlite3_bind_double(statement, column, member->value.GetDouble());
  } else {
    sqlite3_bind_null(statement, column);
  }
}

void step(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) fail("step");
  sqlite3_reset(statement);
}

// All strings of a document, a line each.
void add_strings(const Value& value, std::string& text) {
  if (value.IsString()) {
    text.append(value.GetString(), value.GetStringLength());
    text += '\n';
  } else if (value.IsArray()) {
    for (const Value& each : value.GetArray()) add_strings(each, text);
  } else if (value.IsObject()) {
    for (const auto& member : value.GetObject()) add_strings(member.value, text);
  }
}

std::vector<File> read_all(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<File> files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
    const std::string name = entry->path().filename();
    if (name.starts_with('.') || !name.ends_with(".json")) continue;
    std::ifstream file(entry->path(), std::ios::binary);
    files.push_back({entry->path().lexically_relative(folder).string(),
                     std::string(std::istreambuf_iterator<char>(file), {})});
  }
  return files;
}

std::uint64_t insert(const std::vector<File>& files) {
  constexpr const char* columns[] = {"title", "language", "recorded", "thumbnail_url", "duration"};
  sqlite3_stmt* talk = prepare("INSERT OR REPLACE INTO talk VALUES (?,?,?,?,?,?,?,?)");
  sqlite3_stmt* tag = prepare("INSERT OR IGNORE INTO tag VALUES (?,?)");
  sqlite3_stmt* words = prepare("INSERT INTO words (rowid, text) VALUES (?,?)");
  std::uint64_t minified = 0;
  sqlite3_int64 row = 0;
  for (const File& file : files) {
    rapidjson::Document document;
    document.Parse(file.text.data(), file.text.size());
    if (!document.IsObject()) continue;
    rapidjson::StringBuffer text;
    rapidjson::Writer<rapidjson::StringBuffer> writer(text);
    document.Accept(writer);
    minified += text.GetSize();
    sqlite3_bind_int64(talk, 1, ++row);
    const auto id = document.FindMember("id");
    const bool given = id != document.MemberEnd() && id->value.IsString();
    bind_text(talk, 2, given ? id->value.GetString() : file.path.data(),
              given ? id->value.GetStringLength() : file.path.size());
    for (int i = 0; i < 5; ++i) bind(talk, 3 + i, document, columns[i]);
    bind_text(talk, 8, text.GetString(), text.GetSize());
    step(talk);
    if (const auto tags = document.FindMember("tags");
        tags != document.MemberEnd() && tags->value.IsArray()) {
      for (const Value& each : tags->value.GetArray()) {
        if (!each.IsString()) continue;
        bind_text(tag, 1, each.GetString(), each.GetStringLength());
        sqlite3_bind_int64(tag, 2, row);
        step(tag);
      }
    }
    std::string all;
    add_strings(document, all);
    sqlite3_bind_int64(words, 1, row);
    bind_text(words, 2, all.data(), all.size());
    step(words);
  }
  for (sqlite3_stmt* each : {talk, tag, words}) sqlite3_finalize(each);
  return minified;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: sqlite_fill FOLDER DATABASE\n");
    return 2;
  }
  const std::vector<File> files = read_all(argv[1]);
  const auto begun = std::chrono::steady_clock::now();
  if (sqlite3_open(argv[2], &database) != SQLITE_OK) fail(argv[2]);
  run("PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
      "PRAGMA cache_size = -2000000; PRAGMA temp_store = MEMORY;"
      "CREATE TABLE talk (rid INTEGER PRIMARY KEY, id TEXT, title TEXT, language TEXT,"
      " recorded TEXT, thumbnail_url TEXT, duration NUMERIC, document TEXT);"
      "CREATE TABLE tag (value TEXT, rid INT, PRIMARY KEY (value, rid)) WITHOUT ROWID;"
      "CREATE VIRTUAL TABLE words USING fts5(text, content = '',"
      " tokenize = 'unicode61 remove_diacritics 2');"
      "BEGIN");
  const std::uint64_t minified = insert(files);
  run("COMMIT;"
      "CREATE UNIQUE INDEX talk_by_id ON talk (id);"
      "CREATE INDEX talk_by_language ON talk (language);"
      "CREATE INDEX talk_by_recorded ON talk (recorded);"
      "CREATE INDEX talk_by_duration ON talk (duration);"
      "CREATE INDEX talk_by_title ON talk (title)");
  sqlite3_close(database);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  struct stat facts {};
  ::stat(argv[2], &facts);
  std::printf("{\"files\":%zu,\"bytes\":%lld,\"seconds\":%.6f,\"minified\":%llu}\n", files.size(),
              static_cast<long long>(facts.st_size), took.count(),
              static_cast<unsigned long long>(minified));
}
