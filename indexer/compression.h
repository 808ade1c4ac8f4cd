// zstd with trained dictionaries. Contexts are pooled per process; everything is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

// A dictionary with its prepared forms, made on first use.
class Dictionary {
 public:
  Dictionary(std::uint32_t id, std::string bytes);
  ~Dictionary();
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  std::uint32_t id() const { return id_; }
  std::string_view bytes() const { return bytes_; }

 private:
  friend std::optional<std::string> compress(std::string_view, const Dictionary*);
  friend bool decompress(std::string_view, std::uint64_t, const Dictionary*, std::string&);
  struct Prepared;
  const std::uint32_t id_;
  const std::string bytes_;
  std::unique_ptr<Prepared> prepared_;
};

// One frame, without size and checksum of its own; absent when it would be no smaller.
std::optional<std::string> compress(std::string_view raw, const Dictionary* dictionary);

// False when the frame is no frame, or not of that size.
bool decompress(std::string_view stored, std::uint64_t raw_size, const Dictionary* dictionary,
                std::string& raw);

inline constexpr std::uint64_t largest_raw_bytes = 1ULL << 30;  // beyond it, a size is damage

inline constexpr std::size_t dictionary_bytes = 64 << 10;
inline constexpr std::size_t dictionary_sample_bytes = 1 << 20;  // what training looks at, at most
inline constexpr std::size_t dictionary_enough_bytes = 256 << 10;

// Absent when the samples (one after another in `samples`) are too few or too alike.
std::optional<std::string> train_dictionary(const std::string& samples,
                                            const std::vector<std::size_t>& sizes);

}  // namespace jcn
