#include "transcode_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace jcn_transcode {
namespace {

constexpr std::size_t longest_line = 4096;  // of progress; those of ffmpeg have some 30 bytes
constexpr std::size_t longest_error = 300;

// Lines that only say that something was said before.
constexpr auto empty_words = std::to_array<std::string_view>({
    "Conversion failed!",
    "Last message repeated",
    "Error while decoding stream",
    "Error opening output files",
    "Error opening input files",
    "Error initializing output stream",
    "Error while opening encoder for output stream",
    "Output file is empty",
});

// "[mov,mp4 @ 0x55bad8ab81c0] moov atom not found" → "moov atom not found"
std::string_view without_origin(std::string_view line) {
  while (line.starts_with('[')) {
    const std::size_t end = line.find("] ");
    if (end == std::string_view::npos ||
        line.substr(0, end).find(" @ 0x") == std::string_view::npos)
      break;
    line.remove_prefix(end + 2);
  }
  return line;
}

// "file:/proc/self/fd/3: No such stream" → "No such stream". Elsewhere in a line, it is the file.
std::string without_descriptors(std::string line) {
  for (const std::string_view scheme : {"file:/proc/self/fd/", "/proc/self/fd/"}) {
    std::size_t begin = 0;
    while ((begin = line.find(scheme)) != std::string::npos) {
      std::size_t end = line.find_first_not_of("0123456789", begin + scheme.size());
      if (end == std::string::npos) end = line.size();
      if (begin == 0 && line.compare(end, 2, ": ") == 0) {
        line.erase(0, end + 2);
      } else {
        line.replace(begin, end - begin, "the file");
      }
    }
  }
  return line;
}

// Printable, of whole characters: what stands in a note is UTF-8.
std::string printable(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size() && out.size() < longest_error; ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      out += line[i];
    } else if (byte >= 0x80 && (out.empty() || out.back() != '?')) {
      out += '?';  // of a name in the file, at most
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

void ProgressReader::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      line(pending_);
      pending_.clear();
    } else if (pending_.size() < longest_line) {
      pending_ += c;
    }
  }
}

void ProgressReader::line(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = text.substr(0, equals);
  std::string_view value = text.substr(equals + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "out_time_us") {
    std::int64_t microseconds = 0;  // stays so for N/A, at the beginning
    std::from_chars(value.data(), value.data() + value.size(), microseconds);
    seconds_ = std::max(seconds_, static_cast<double>(microseconds) / 1e6);
  } else if (name == "frame") {
    std::from_chars(value.data(), value.data() + value.size(), frames_);
  } else if (name == "progress") {
    ended_ = value == "end";
  }
}

std::optional<double> ProgressReader::percent(const std::optional<double>& duration) const {
  if (!duration || *duration <= 0) return std::nullopt;
  return std::min(std::floor(1000 * seconds_ / *duration) / 10, 99.9);
}

std::string error_line(std::string_view standard_error) {
  while (!standard_error.empty()) {
    const std::size_t before = standard_error.find_last_of("\r\n");
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    const std::string_view line = without_origin(standard_error.substr(begin));
    standard_error = standard_error.substr(0, begin == 0 ? 0 : begin - 1);
    if (std::any_of(empty_words.begin(), empty_words.end(),
                    [&](std::string_view words) { return line.starts_with(words); }))
      continue;
    if (line.starts_with("Format not on whitelist")) return "Files of this format are not taken.";
    std::string text = without_descriptors(printable(line));
    if (!text.empty() && text != "Invalid argument") return text;
  }
  return {};
}

}  // namespace jcn_transcode
