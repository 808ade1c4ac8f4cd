// What the storage layout costs: folds, merges and sizes over an index of a million records.
// Its table stands in indexer/doc/format.md.
//
// usage: segment_prototype [RECORDS [FOLDER]]     default: 1,000,000, in a temporary folder
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "compression.h"
#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "segment.h"
#include "segment_builder.h"

namespace {

using jcn::Batch;
using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

template <class T>
T must(jcn::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

// Bytes that this process has asked to be written (proc(5), io).
std::uint64_t bytes_written() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (io >> name >> value) {
    if (name == "wchar:") return value;
  }
  return 0;
}

// Talks that read like talks: words drawn with a long tail, and about 1 KB of minified JSON each.
class Talks {
 public:
  Talks() {
    std::mt19937 random(20261121);
    for (int i = 0; i < 6000; ++i) {
      std::string word;
      for (std::size_t length = 2 + random() % 9; length > 0; --length) {
        word += "etaoinshrdlucmfwypvbgkqjxz"[std::min(random() % 26, random() % 26)];
      }
      words_.push_back(std::move(word));
    }
  }

  static std::string id(std::uint32_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "talk-%08x", number * 2654435761U);  // in no order
    return text;
  }

  std::string document(std::uint32_t number, std::uint32_t version) const {
    std::mt19937 random(number * 7919U + version);
    std::string text = "{\"id\":\"" + id(number) + "\",\"title\":\"" + sentence(random, 6) +
                       "\",\"description\":\"" + sentence(random, 95) + "\",\"speakers\":[\"" +
                       sentence(random, 2) + "\",\"" + sentence(random, 2) + "\"],\"tags\":[\"" +
                       sentence(random, 1) + "\",\"" + sentence(random, 1) +
                       "\"],\"recorded\":\"20" + std::to_string(10 + random() % 16) + "-0" +
                       std::to_string(1 + random() % 9) + "-1" + std::to_string(random() % 10) +
                       "\",\"duration\":" + std::to_string(random() % 5400) +
                       ",\"views\":" + std::to_string(random()) +
                       ",\"thumbnail_url\":\"https://i.example.org/vi/" + id(draw(random)) +
                       "/hqdefault.jpg\",\"videos\":[{\"type\":\"youtube\",\"url\":"
                       "\"https://www.example.org/watch?v=" +
                       id(draw(random)) + "\"}]}";
    return text;
  }

  void add(Batch& batch, std::uint32_t number, std::uint32_t version) const {
    jcn::Record record;
    record.key = {"videos", id(number)};
    record.document = document(number, version);
    const std::string path =
        "conference-" + std::to_string(number % 300) + "/videos/" + record.key.id + ".json";
    const auto mtime = static_cast<std::int64_t>(1'700'000'000'000'000'000 + number * 1'234'567LL);
    record.fragments = {{{"talks", path}, record.document.size(), mtime, false}};
    jcn::FileRow row;
    row.facts = {record.document.size(), mtime, mtime + 1'000'000, 1'000'000U + number};
    row.read_ns = mtime + 5'000'000'000;
    row.content = jcn::hash128(record.document);
    row.contributes = record.key;
    batch.files[{"talks", path}] = std::move(row);
    batch.records[record.key] = std::move(record);
  }

 private:
  static std::uint32_t draw(std::mt19937& random) { return static_cast<std::uint32_t>(random()); }

  std::string sentence(std::mt19937& random, int words) const {
    std::string text;
    for (; words > 0; --words) {
      const double uniform = static_cast<double>(random() % 100'000) / 100'000.0;
      text += words_[static_cast<std::size_t>(uniform * uniform * uniform * 6000.0)];
      if (words > 1) text += ' ';
    }
    return text;
  }
  std::vector<std::string> words_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double at_fraction(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * fraction)];
}

constexpr double mib = 1024.0 * 1024.0;

// Pages that a value takes: in a leaf when it is small, else in pages of its own.
std::uint64_t stored_bytes(std::size_t value) {
  if (value < 2000) return value + 20;
  return (value + 16 + 4095) / 4096 * 4096;
}

void block_sizes(const Talks& talks) {
  constexpr std::uint32_t records = 40'000;
  std::vector<std::string> entries;
  std::string samples;
  std::vector<std::size_t> sizes;
  std::uint64_t raw = 0;
  for (std::uint32_t i = 0; i < records; ++i) {
    Batch batch;
    talks.add(batch, i, 0);
    raw += batch.records.begin()->second->document.size();
    entries.push_back(jcn::encode_entry(*batch.records.begin()->second));
    if (samples.size() < jcn::dictionary_sample_bytes) {
      const auto entry = jcn::decode_entry(entries.back());
      samples += entry->stored;
      sizes.push_back(entry->stored.size());
    }
  }
  const auto training = Clock::now();
  const auto trained = jcn::train_dictionary(samples, sizes);
  std::printf("\nDictionary: %.0f ms to train on %.1f MiB, %zu bytes.\n\n", milliseconds(training),
              static_cast<double>(samples.size()) / mib, trained ? trained->size() : 0);
  std::printf(
      "| block | dictionary | documents on disk / JSON | build, us/record | "
      "read one entry (checksum, decompress), us |\n|---|---|---|---|---|\n");
  for (const bool with : {false, true}) {
    const jcn::Dictionary dictionary(1, trained.value_or(""));
    const jcn::Dictionary* used = with ? &dictionary : nullptr;
    for (const std::size_t pages : {std::size_t{1}, std::size_t{4}, std::size_t{16}}) {
      jcn::MemoryBlocks blocks;
      std::uint64_t disk = 0;
      const auto building = Clock::now();
      jcn::SegmentBuilder builder(
          with ? 1 : 0,
          [&](jcn::Section section, std::uint32_t number, std::string payload) {
            if (section == jcn::Section::documents) disk += stored_bytes(payload.size() + 8);
            jcn::seal(payload);
            blocks.add(section, number, std::move(payload));
            return jcn::Result<void>();
          },
          pages * 4096 - 24);
      for (std::uint32_t i = 0; i < records; ++i) {
        char key[16];
        std::snprintf(key, sizeof key, "%08u", i);
        const auto added =
            builder.add(key, jcn::compress_entry(*jcn::decode_entry(entries[i]), used));
        if (!added) std::exit(1);
      }
      const auto head = must(builder.finish());
      const double built = milliseconds(building) * 1000 / records;
      std::mt19937 random(1);
      const auto reading = Clock::now();
      constexpr int reads = 20'000;
      for (int i = 0; i < reads; ++i) {
        const auto local = static_cast<std::uint32_t>(random() % records);
        const auto after =
            std::upper_bound(head.first_locals.begin(), head.first_locals.end(), local);
        const auto number = static_cast<std::uint32_t>(after - head.first_locals.begin() - 1);
        const auto payload = jcn::unseal(blocks.document_block(number));
        jcn::Record record;
        const auto bytes = jcn::entry_in_block(*payload, local - head.first_locals[number]);
        if (!jcn::unpack_entry(*jcn::decode_entry(*bytes), used, record)) std::exit(1);
      }
      const double read = milliseconds(reading) * 1000 / reads;
      std::printf("| %zu KiB | %s | %.3f | %.1f | %.1f |\n", pages * 4, with ? "yes" : "no",
                  static_cast<double>(disk) / static_cast<double>(raw), built, read);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto records =
      static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000);
  std::string folder = argc > 2 ? argv[2] : "";
  if (folder.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "jcn-bench-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return 1;
    folder = pattern;
  }
  const Talks talks;
  std::mt19937 random(1);
  auto writer = must(jcn::IndexWriter::open(folder + "/index", {}));

  // A first crawl: batches of 2,000, folds of 40,000, merges as they come due.
  std::uint64_t json = 0;
  double publishing = 0, folding = 0, merging = 0, longest_merge = 0;
  int merges = 0;
  for (std::uint32_t next = 0; next < records;) {
    Batch batch;
    for (std::uint32_t i = 0; i < 2000 && next < records; ++i) talks.add(batch, next++, 0);
    for (const auto& [key, record] : batch.records) json += record->document.size();
    auto from = Clock::now();
    must(writer->publish(std::move(batch)));
    publishing += milliseconds(from);
    if (next % 40'000 != 0 && next != records) continue;
    from = Clock::now();
    must(writer->fold());
    folding += milliseconds(from);
    while (true) {
      from = Clock::now();
      if (!must(writer->merge())) break;
      longest_merge = std::max(longest_merge, milliseconds(from));
      merging += milliseconds(from);
      ++merges;
    }
  }
  std::printf("%u records, %.0f MiB of minified JSON (%.0f bytes each).\n\n", records,
              static_cast<double>(json) / mib, static_cast<double>(json) / records);
  std::printf(
      "| first load | |\n|---|---|\n| publish, batches of 2,000 | %.1f us/record |\n"
      "| fold, 40,000 each | %.1f us/record |\n"
      "| %d merges, together | %.1f us/record (longest %.0f ms) |\n"
      "| index / minified JSON | %.2f |\n\n",
      publishing * 1000 / records, folding * 1000 / records, merges, merging * 1000 / records,
      longest_merge, static_cast<double>(writer->index_bytes()) / static_cast<double>(json));

  std::printf(
      "| records changed | publish, ms | fold, ms (median) | written, MiB |\n|---|---|---|---|\n");
  for (const auto& [changed, runs] :
       {std::pair(1U, 21), std::pair(2000U, 5), std::pair(20'000U, 3)}) {
    std::vector<double> publishes, folds, written;
    for (int run = 0; run < runs; ++run) {
      Batch batch;
      for (std::uint32_t i = 0; i < changed; ++i) {
        talks.add(batch, static_cast<std::uint32_t>(random() % records),
                  1 + static_cast<std::uint32_t>(run));
      }
      auto from = Clock::now();
      must(writer->publish(std::move(batch)));
      publishes.push_back(milliseconds(from));
      const std::uint64_t before = bytes_written();
      from = Clock::now();
      must(writer->fold());
      folds.push_back(milliseconds(from));
      written.push_back(static_cast<double>(bytes_written() - before) / mib);
      while (must(writer->merge())) {
      }
    }
    std::printf("| %u | %.2f | %.2f | %.2f |\n", changed, median(publishes), median(folds),
                median(written));
  }

  // Drops onto a layer that is not folded meanwhile, and reads of random records.
  std::vector<double> drops, gets, heads;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Batch batch;
    talks.add(batch, static_cast<std::uint32_t>(random() % records), 99);
    const auto from = Clock::now();
    must(writer->publish(std::move(batch)));
    drops.push_back(milliseconds(from) * 1000);
  }
  must(writer->fold());
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const jcn::RecordKey key{"videos", Talks::id(static_cast<std::uint32_t>(random() % records))};
    auto from = Clock::now();
    const jcn::Snapshot snapshot = must(writer->snapshot());
    if (!must(snapshot.record(key))) return 1;
    gets.push_back(milliseconds(from) * 1000);
    from = Clock::now();
    if (!must(must(writer->snapshot()).head(key))) return 1;
    heads.push_back(milliseconds(from) * 1000);
  }
  std::printf("\n| one by one, us | p50 | p99 | max |\n|---|---|---|---|\n");
  const auto row = [](const char* name, const std::vector<double>& values) {
    std::printf("| %s | %.1f | %.1f | %.0f |\n", name, median(values), at_fraction(values, 0.99),
                at_fraction(values, 1.0));
  };
  row("publish one record and its file", drops);
  row("snapshot + record", gets);
  row("snapshot + head, its block warm", heads);

  const auto verifying = Clock::now();
  const jcn::VerifyReport report = must(jcn::verify_index(folder + "/index"));
  std::printf("\nVerify: %llu entries, %llu MiB, in %.0f ms; index %.0f MiB.\n",
              static_cast<unsigned long long>(report.entries),
              static_cast<unsigned long long>(report.bytes >> 20), milliseconds(verifying),
              static_cast<double>(writer->index_bytes()) / mib);
  block_sizes(talks);
  writer.reset();
  if (argc <= 2) std::filesystem::remove_all(folder);
  return 0;
}
