// One video, from its claim to the note that says what came of it.
//
// 1. Whatever is written into its note or beside it is written while the claim is held, and the
// claim
//    is renewed for sure just before files get their names and the note says so.
// 2. Before anything is announced, the record is asked for again; and jcn writes nothing beside an
//    upload whose note is gone: what was deleted stays deleted.
// 3. However a turn ends, no temporary stays, and no child.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"
#include "http_client.h"
#include "transcode_claim.h"
#include "transcode_files.h"
#include "transcode_notes.h"
#include "transcode_output.h"
#include "transcode_plan.h"

namespace jcn_transcode {

struct Settings {
  std::string url, token;
  std::string root;    // its name
  std::string folder;  // where it is
  std::vector<std::string> kinds;
  std::string ffmpeg, ffprobe;
  Encoding encoding;
  std::chrono::seconds lease{30};
  std::chrono::seconds patience{300};  // with an ffmpeg that gets no further
  std::string holder;                  // this worker's name in claims
  std::function<bool()> stopped;       // asked for the end
};

enum class Outcome {
  done,
  failed,   // the note says why
  gone,     // the video was deleted
  lost,     // another worker has it
  stopped,  // given back, for this worker ends
  anew,     // the upload is another one by now
  nothing,  // it does not want to be transcoded after all
};

// What a record says, as far as it matters here.
struct Video {
  std::string kind, id;
  std::string stem;    // path of its first note, without ".json"
  std::string source;  // its member, as canonical text
  std::string source_path = {};
  std::string poster = {};
  bool unfinished = false;  // its state is queued or running
};
// `record`: canonical.
void read_video(Video& video, std::string_view record);

class Job {
 public:
  // `notes` are asked with patience, `last_words` when this worker is to end. All but the video are
  // the caller's, and outlive this.
  Job(const Settings& settings, jcn_client::HttpClient& jcn, Notes& notes, Notes& last_words,
      int root_fd, Claim& claim, Video video);

  // Until the video is done, failed, or not ours any more; the claim is given back then. Errors:
  // those of jcn's, and of the system's, that have nothing to do with this video: it still waits.
  jcn::Result<Outcome> run();
  const std::string& why() const { return why_; }  // it failed

 private:
  using Step = jcn::Result<Outcome>;  // Outcome::done: go on

  Step turn();
  Step make(VideoFiles& files);
  Step probe(const VideoFiles& files, const Source& source, Made& made);
  Step make_poster(VideoFiles& files, const Source& source, Made& made);
  Step encode(VideoFiles& files, const Source& source, Made& made);
  Step finish(VideoFiles& files, const Source& source, const Made& made);
  Step refuse(std::string why);  // it can't be made: to be told once its files are removed
  Step fail(std::string why);    // tells
  void give_back();
  void forget_note();

  jcn::Result<std::optional<Video>> record();  // as it is now; nothing: its upload was deleted
  Step look();        // at the record: still there, and of the same upload?
  Step first_look();  // at the note
  // Replaces the note, whoever wrote it last. False: the claim is lost.
  jcn::Result<bool> put_note(const std::string& text);  // insists
  jcn::Result<bool> try_note(const std::string& text);
  Step run_tool(const std::string& program, std::vector<std::string> arguments,
                const std::vector<int>& descriptors, std::function<void(std::string_view)> output,
                Ended& ended);
  bool goes_on();
  Step report(Clock::time_point now);
  template <class Ask>
  auto insist(const Ask& ask) -> decltype(ask());

  const Settings& settings_;
  jcn_client::HttpClient& jcn_;
  Notes &notes_, &last_words_;
  const int root_fd_;
  Claim& claim_;
  Video video_;
  const std::string note_path_;
  std::string note_tag_;  // of the note as it was when it was written last; empty: there was none
  std::string running_since_;  // RFC 3339
  std::string why_;

  // Of the child that runs.
  std::optional<jcn::Error> trouble_;
  Outcome verdict_ = Outcome::done;  // another one: why it was ended
  ProgressReader progress_;
  std::optional<double> duration_;
  Clock::time_point next_look_, next_report_, last_gain_, last_asked_;
  double gained_ = 0;
};

}  // namespace jcn_transcode
