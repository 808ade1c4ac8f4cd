// What ffmpeg says while it works, and when it fails. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jcn_transcode {

// Reads what "-progress pipe:1" writes: lines of NAME=VALUE, in pieces as they come.
class ProgressReader {
 public:
  void take(std::string_view bytes);

  double seconds() const { return seconds_; }  // of the film that are done; only grows
  std::uint64_t frames() const { return frames_; }
  bool ended() const { return ended_; }  // ffmpeg says that it is through
  // Of a film of this length: 0 to 99.9, with one digit; 100 is for who has seen the files.
  std::optional<double> percent(const std::optional<double>& duration) const;

 private:
  void line(std::string_view text);

  std::string pending_;  // of a line
  double seconds_ = 0;
  std::uint64_t frames_ = 0;
  bool ended_ = false;
};

// The last line of standard error that tells a person something: without the addresses and file
// names of ours that stand before it, without control characters, at most 300 bytes. "" if there is
// none.
std::string error_line(std::string_view standard_error);

}  // namespace jcn_transcode
