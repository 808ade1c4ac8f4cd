// An index whose data file is damaged at rest: examining it never harms the process, and what is
// found whole says what it said before. What is not whole is opened for writing in a child process:
// a clean error, the child's death, or an index in which every record is one that there was; all of
// them, unless it says that some are missing.
//
// Bytes: (how u8, place u24, value u8)*, applied to the data file in order. A first byte that is
// odd asks for the child, too, which takes its time.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "jcn/dump.h"
#include "jcn/file_descriptor.h"
#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "property.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t most_changes = 16;

std::string dump_of(const jcn::Snapshot& snapshot) {
  std::string text;
  const auto dumped = jcn::dump(snapshot, jcn::Rules{}, true, [&](std::string_view line) {
    text += line;
    text += '\n';
  });
  return dumped.ok() ? text : "error: " + dumped.error().message;
}

class Index {
 public:
  Index() {
    std::string pattern = (fs::temp_directory_path() / "jcn-fuzz-XXXXXX").string();
    PROPERTY(::mkdtemp(pattern.data()));
    folder_ = pattern;
    owner_ = ::getpid();
    write();
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "index")) {
      if (entry.path().filename() == "data.mdb") data_ = entry.path();
    }
    std::ifstream in(data_, std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(in), {});
    PROPERTY(whole_.size() >= 4 * page_bytes);
    const auto reader = jcn::IndexReader::open(index());
    PROPERTY(reader.ok());
    const auto snapshot = reader->snapshot();
    PROPERTY(snapshot.ok());
    dump_ = dump_of(*snapshot);
    PROPERTY(snapshot
                 ->for_each_record([&](const jcn::Record& record) {
                   records_[record.key] = record.document;
                   return true;
                 })
                 .ok());
    PROPERTY(records_.size() > 40);
    file_ = jcn::FileDescriptor(::open(data_.c_str(), O_RDWR | O_CLOEXEC));
    PROPERTY(file_.get() >= 0);
  }
  ~Index() {
    if (::getpid() != owner_) return;
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  std::string index() const { return (folder_ / "index").string(); }
  std::string copy() const { return (folder_ / "copy").string(); }
  const std::string& dump() const { return dump_; }
  const std::map<jcn::RecordKey, std::string>& records() const { return records_; }

  void damage(std::string_view changes);
  void mend();

 private:
  void write();
  void put(std::size_t at, std::string_view bytes) {
    PROPERTY(::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
             static_cast<ssize_t>(bytes.size()));
    damaged_.insert(at / page_bytes);
    damaged_.insert((at + bytes.size() - 1) / page_bytes);
  }

  fs::path folder_, data_;
  ::pid_t owner_ = 0;
  std::string whole_, dump_;
  std::map<jcn::RecordKey, std::string> records_;
  jcn::FileDescriptor file_;
  std::size_t size_ = 0;           // of the file, damaged
  std::set<std::size_t> damaged_;  // pages
};

// Several folds, so that there are old pages, and rows of every table.
void Index::write() {
  jcn::WriterOptions options;
  options.map_bytes = 64 << 20;
  auto writer = jcn::IndexWriter::open(index(), options);
  PROPERTY(writer.ok());
  for (int round = 0; round < 4; ++round) {
    jcn::Batch batch;
    for (int i = 0; i < 16; ++i) {
      const std::string id = "id" + std::to_string(round * 12 + i);
      jcn::Record record;
      record.key = {i % 5 == 0 ? "people" : "videos", id};
      record.document = R"({"title":"words of )" + id + R"(","n":)" + std::to_string(i) +
                        R"(,"hash":")" + jcn::hash128(id).hex() + R"("})";
      record.fragments.push_back({{"r", id + ".json"}, 9, i + 1, false});
      if (i % 4 == 0) record.fragments.push_back({{"r", id + ".more.json"}, 9, i + 2, false});
      for (const jcn::FragmentInfo& fragment : record.fragments) {
        jcn::FileRow row;
        row.facts = {9, i, i, 1};
        row.contributes = record.key;
        batch.files[fragment.name] = row;
        if (i % 4 == 0) batch.bodies[fragment.name] = record.document;
      }
      batch.records[record.key] = std::move(record);
    }
    jcn::FileRow bad;
    bad.facts = {1, 1, 1, static_cast<std::uint64_t>(round)};
    bad.reject = jcn::Reject{jcn::Code::empty_file, {}, {}, {}, {}, "there is nothing in it"};
    batch.files[{"r", "bad" + std::to_string(round) + ".json"}] = bad;
    if (round == 3) batch.records[{"videos", "id2"}] = std::nullopt;
    if (round == 3) batch.files[{"r", "id2.json"}] = std::nullopt;
    batch.notes["round"] = std::to_string(round);
    PROPERTY((*writer)->publish(std::move(batch)).ok() && (*writer)->fold().ok());
  }
}

void Index::damage(std::string_view changes) {
  size_ = whole_.size();
  for (std::size_t left = most_changes; left > 0 && changes.size() >= 5 && size_ > 0; --left) {
    const auto number = [&](std::size_t i) {
      return std::size_t{static_cast<unsigned char>(changes[i])};
    };
    const std::size_t at = (number(1) | number(2) << 8 | number(3) << 16) % size_;
    const std::size_t page = at / page_bytes * page_bytes;
    switch (number(0) % 8) {
      case 0:
      case 1:
      case 2:
        put(at, std::string(1, static_cast<char>(whole_[at] ^ 1 << number(4) % 8)));
        break;
      case 3:
      case 4:
        put(at, changes.substr(4, 1));
        break;
      case 5:  // a page that was not written
        put(page, std::string(page_bytes, '\0').substr(0, size_ - page));
        break;
      case 6: {  // one that was written to another place
        const std::size_t other = number(4) * page_bytes % size_;
        const std::size_t bytes = std::min({page_bytes, size_ - page, size_ - other});
        put(page, std::string_view(whole_).substr(other, bytes));
        break;
      }
      default:
        size_ = at;
        PROPERTY(::ftruncate(file_.get(), static_cast<off_t>(size_)) == 0);
    }
    changes.remove_prefix(5);
  }
}

void Index::mend() {
  for (std::size_t page = size_ / page_bytes; page * page_bytes < whole_.size(); ++page) {
    if (size_ < whole_.size()) damaged_.insert(page);
  }
  for (const std::size_t page : std::exchange(damaged_, {})) {
    if (page * page_bytes >= whole_.size()) continue;
    const std::string_view bytes = std::string_view(whole_).substr(page * page_bytes, page_bytes);
    PROPERTY(::pwrite(file_.get(), bytes.data(), bytes.size(),
                      static_cast<off_t>(page * page_bytes)) == static_cast<ssize_t>(bytes.size()));
  }
  PROPERTY(::ftruncate(file_.get(), static_cast<off_t>(whole_.size())) == 0);
}

// True: it is whole, and says what it said.
bool examined(const Index& index) {
  const auto health = jcn::examine_index(index.index());
  if (!health) {
    PROPERTY(!health.error().message.empty());
    return false;
  }
  if (!health->whole()) {
    PROPERTY(!health->findings.empty());
    const auto again = jcn::decode_health(jcn::encode_health(*health));
    PROPERTY(again && again->state == health->state && again->findings == health->findings);
    return false;
  }
  const auto reader = jcn::IndexReader::open(index.index());
  PROPERTY(reader.ok());
  const auto snapshot = reader->snapshot();
  PROPERTY(snapshot.ok());
  PROPERTY(dump_of(*snapshot) == index.dump());
  return true;
}

// In the child, on a copy.
void opened(const Index& index) {
  jcn::WriterOptions options;
  options.map_bytes = 64 << 20;
  options.examine = [](const std::string& folder) { return jcn::examine_index(folder); };
  const auto writer = jcn::IndexWriter::open(index.copy(), options);
  if (!writer) return;
  const auto snapshot = (*writer)->snapshot();
  PROPERTY(snapshot.ok());
  if ((*writer)->rebuilt() == jcn::Rebuilt::no) PROPERTY(dump_of(*snapshot) == index.dump());
  std::size_t read = 0;
  PROPERTY(snapshot
               ->for_each_record([&](const jcn::Record& record) {
                 const auto was = index.records().find(record.key);
                 PROPERTY(was != index.records().end() && was->second == record.document);
                 ++read;
                 return true;
               })
               .ok());
  PROPERTY(snapshot->note(jcn::incomplete_note) || read == index.records().size());
}

void opened_in_child(const Index& index) {
  fs::remove_all(index.copy());
  fs::copy(index.index(), index.copy(), fs::copy_options::recursive);
  const ::pid_t child = ::fork();
  PROPERTY(child >= 0);
  if (child == 0) {
    // Damage may end it; a property that does not hold must not look like that.
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(signal, SIG_DFL);
    not_so_exit_status = 99;
    opened(index);
    ::_exit(0);
  }
  int status = 0;
  PROPERTY(::waitpid(child, &status, 0) == child);
  PROPERTY(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Index index;
  if (size == 0) return 0;
  index.damage({reinterpret_cast<const char*>(data + 1), size - 1});
  if (!examined(index) && data[0] % 2 == 1) opened_in_child(index);
  index.mend();
  return 0;
}
