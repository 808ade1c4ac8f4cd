// A main() for fuzz targets where there is no libFuzzer: runs the seeds, and so many mutations of
// them, always the same ones.
// usage: fuzz_NAME MUTATIONS FOLDER-OR-FILE...
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::cerr << "can't read " << path << '\n';
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string mutated(std::string bytes, const std::vector<std::string>& seeds,
                    std::mt19937& random) {
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random()) % end; };
  for (std::size_t change = below(4) + 1; change > 0; --change) {
    const std::size_t at = below(bytes.size() + 1);
    switch (below(5)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 3:
        bytes.erase(at, below(9));
        break;
      default: {  // a piece of another seed
        const std::string& other = seeds[below(seeds.size())];
        const std::size_t from = below(other.size() + 1);
        bytes.insert(at, other.substr(from, below(64)));
      }
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const int mutations = argc > 1 ? std::atoi(argv[1]) : 0;
  std::vector<std::string> seeds;
  for (int i = 2; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      seeds.push_back(read(argv[i]));
      continue;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(argv[i])) {
      files.push_back(file.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) seeds.push_back(read(file));
  }
  if (seeds.empty()) {
    std::cerr << "no seeds\n";
    return 1;
  }
  for (const std::string& seed : seeds) run(seed);
  std::mt19937 random(1);
  for (int i = 0; i < mutations; ++i) {
    run(mutated(seeds[static_cast<std::size_t>(i) % seeds.size()], seeds, random));
  }
  run({});
  std::cout << seeds.size() << " seeds, " << mutations << " mutations\n";
  return 0;
}
