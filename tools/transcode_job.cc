#include "transcode_job.h"

#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>

#include "answer_members.h"
#include "jcn/canonical.h"
#include "jcn/read.h"

namespace jcn_transcode {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;
using jcn_client::percent_encoded;
using jcn_client::raw_member;
using jcn_client::text_member;
using std::chrono::seconds;

constexpr seconds between_looks{5};         // at the record, for whether it is still there
constexpr seconds between_reports{5};       // of the percentage; each is a change of the record
constexpr seconds longest_pause{2};         // between two questions whether a child goes on
constexpr std::uint64_t most_attempts = 3;  // workers that may die of a video
constexpr int most_turns = 3;               // with uploads that change meanwhile
constexpr int most_rivals = 5;              // who write the same note at the same time
constexpr const char* poster_suffix = "poster.jpg";
constexpr std::size_t longest_answer = 1 << 20;  // of ffprobe

void pause(std::chrono::milliseconds time) {
  const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
  nanosleep(&wait, nullptr);  // a signal ends it
}

// What a person is told when a program of ffmpeg's failed.
std::string complaint(const std::string& program, const Ended& ended) {
  if (std::string line = error_line(ended.errors); !line.empty()) return line;
  if (WIFSIGNALED(ended.status))
    return program + " was ended by signal " + std::to_string(WTERMSIG(ended.status)) + '.';
  return program + " failed with status " + std::to_string(WEXITSTATUS(ended.status)) + '.';
}

}  // namespace

void read_video(Video& video, std::string_view record) {
  const std::string state = text_member(raw_member(record, "transcode"), "state");
  video.unfinished = state == "queued" || state == "running";
  video.source = raw_member(record, "source");
  video.source_path = text_member(video.source, "path");
  video.poster = text_member(record, "poster");
}

Job::Job(const Settings& settings, jcn_client::HttpClient& jcn, Notes& notes, Notes& last_words,
         int root_fd, Claim& claim, Video video)
    : settings_(settings),
      jcn_(jcn),
      notes_(notes),
      last_words_(last_words),
      root_fd_(root_fd),
      claim_(claim),
      video_(std::move(video)),
      note_path_(video_.stem + ".transcode.json") {}

// Asks until jcn answers, or this worker is to end.
template <class Ask>
auto Job::insist(const Ask& ask) -> decltype(ask()) {
  std::chrono::milliseconds wait{100};
  for (;;) {
    auto answer = ask();
    if (answer.ok() || !passes(answer.error().code) || settings_.stopped()) return answer;
    pause(wait);
    wait = std::min(2 * wait, std::chrono::milliseconds(10'000));
  }
}

Job::Step Job::run() {
  Step outcome = Outcome::anew;
  for (int i = 0; i < most_turns && outcome.ok() && *outcome == Outcome::anew; ++i)
    outcome = turn();
  if (outcome.ok() && *outcome == Outcome::anew)
    outcome = fail("The uploaded file keeps changing.");
  // The upload's note is gone: jcn does not let anybody write beside it any more.
  if (!outcome.ok() && outcome.error().code == Code::no_such_fragment) outcome = Outcome::gone;
  if (!outcome.ok() && settings_.stopped()) outcome = Outcome::stopped;
  if (!outcome.ok()) {
    give_back();
    return outcome;
  }
  switch (*outcome) {
    case Outcome::stopped:
      give_back();
      break;
    case Outcome::gone:
      forget_note();
      [[fallthrough]];
    case Outcome::done:
    case Outcome::failed:
    case Outcome::nothing: {
      const auto removed =
          insist([&] { return claim_.let_go(settings_.stopped() ? last_words_ : notes_); });
      if (!removed.ok())
        spdlog::warn("the claim of {} stays: {}", video_.id, removed.error().message);
      break;
    }
    case Outcome::lost:
    case Outcome::anew:
      break;
  }
  return outcome;
}

Job::Step Job::turn() {
  JCN_TRY(const Outcome still, insist([&] { return look(); }));
  if (still == Outcome::gone) return still;
  if (!video_.unfinished || video_.source_path.empty()) return Outcome::nothing;
  JCN_TRY(const Outcome wanted, first_look());
  if (wanted != Outcome::done) return wanted;
  const std::string& holder = settings_.holder;
  auto files = VideoFiles::open(root_fd_, video_.stem, holder.substr(holder.rfind(':') + 1));
  if (!files.ok() || !open_source(root_fd_, video_.stem + ".json").ok()) {
    return Error{Code::bad_configuration,
                 "the note " + video_.stem + ".json is not beneath " + settings_.folder,
                 "is this the folder of the root " + settings_.root + "? name it with --folder"};
  }
  if (const unsigned removed = files->remove_leftovers())
    spdlog::info("{}: removed {} files of a worker that died", video_.id, removed);
  Step made = make(*files);
  if (!made.ok() || *made == Outcome::lost || *made == Outcome::done) return made;
  files->remove();  // first of all: where the disk is full, there is no room for a note either
  return *made == Outcome::failed ? fail(why_) : made;
}

// Where rules know no anchors, a record whose upload was deleted still stands, on our own note.
Result<std::optional<Video>> Job::record() {
  const auto said =
      jcn_.get("/v1/" + percent_encoded(video_.kind) + '/' + percent_encoded(video_.id));
  if (!said.ok()) {
    const Code code = said.error().code;
    if (code != Code::no_such_record && code != Code::no_such_kind) return said.error();
    return std::optional<Video>();
  }
  Video found = video_;
  read_video(found, said->body);
  return found.source == "null" ? std::optional<Video>() : std::optional(std::move(found));
}

Job::Step Job::look() {
  JCN_TRY(std::optional<Video> found, record());
  if (!found) return Outcome::gone;
  const bool same = found->source == video_.source;
  video_ = *std::move(found);
  return same ? Outcome::done : Outcome::anew;
}

// A note that says done while the record does not is overruled by another one, of a higher rank:
// the record would say so for ever, whatever is done about it.
Job::Step Job::first_look() {
  JCN_TRY(const std::optional<Note> note, insist([&] { return notes_.read(note_path_); }));
  note_tag_ = note ? note->tag : "";
  if (!note) return Outcome::done;
  const std::string state = text_member(raw_member(note->text, "transcode"), "state");
  if (state != "done" && state != "failed") return Outcome::done;
  spdlog::warn("{} is {}, whatever another note says: to have it made again, remove {}", video_.id,
               state, note_path_);
  return Outcome::nothing;
}

Result<bool> Job::put_note(const std::string& text) {
  return insist([&] { return try_note(text); });
}

Result<bool> Job::try_note(const std::string& text) {
  for (int i = 0; i < most_rivals; ++i) {
    JCN_TRY(std::optional<std::string> tag,
            notes_.write(note_path_, note_tag_, text, video_.stem + ".json"));
    if (tag) {
      note_tag_ = *std::move(tag);
      return true;
    }
    // Whoever holds the claim has the last word here.
    JCN_TRY(const bool ours, claim_.renew());
    if (!ours) return false;
    JCN_TRY(const std::optional<Note> there, notes_.read(note_path_));
    if (!there && !note_tag_.empty()) {
      // Who removed it may be removing the video, of which nothing must be said any more then.
      JCN_TRY(const std::optional<Video> still, record());
      if (!still) return false;
    }
    note_tag_ = there ? there->tag : "";
  }
  return Error{Code::unstable, "others keep writing " + note_path_};
}

Job::Step Job::make(VideoFiles& files) {
  if (claim_.lease().attempt > most_attempts) {
    return refuse("Given up: " + std::to_string(most_attempts) +
                  " times, the worker did not come to an end.");
  }
  running_since_ = time_now();
  JCN_TRY(const bool announced,
          put_note(running_note(video_.id, running_since_, running_since_, 0.0, settings_.holder)));
  if (!announced) return Outcome::lost;
  next_report_ = Clock::now() + between_reports;

  const auto source = open_source(root_fd_, video_.source_path);
  if (!source.ok()) {
    if (!source.error().hint.empty()) spdlog::error("{}", source.error().hint);
    return refuse(source.error().message);
  }
  Made made;
  JCN_TRY(const Outcome known, probe(files, *source, made));
  if (known != Outcome::done) return known;
  // Somebody else's is left alone.
  if (video_.poster.empty() || video_.poster == files.path(poster_suffix)) {
    JCN_TRY(const Outcome posed, make_poster(files, *source, made));
    if (posed != Outcome::done) return posed;
  }
  JCN_TRY(const Outcome encoded, encode(files, *source, made));
  if (encoded != Outcome::done) return encoded;
  return finish(files, *source, made);
}

Job::Step Job::probe(const VideoFiles& files, const Source& source, Made& made) {
  std::string answer;
  Ended ended;
  JCN_TRY(const Outcome probed, run_tool(
                                    settings_.ffprobe, probe_arguments(), {source.file.get()},
                                    [&](std::string_view bytes) {
                                      if (answer.size() < longest_answer) answer += bytes;
                                    },
                                    ended));
  if (probed != Outcome::done) return probed;
  if (!ended.fine()) return refuse(complaint("ffprobe", ended));
  auto media = read_media(answer);
  if (!media.ok()) return refuse(media.error().message);

  made.media = *std::move(media);
  bool own_name = files.path(poster_suffix) == video_.source_path;
  for (Rendition& each : plan_renditions(made.media)) {
    std::string path = files.path(each.name + ".webm");
    own_name = own_name || path == video_.source_path;
    made.renditions.emplace_back(std::move(each), std::move(path));
  }
  if (own_name) return refuse("The uploaded file has the name of what is to be made of it.");
  return Outcome::done;
}

Job::Step Job::make_poster(VideoFiles& files, const Source& source, Made& made) {
  const auto file = files.make(poster_suffix);
  if (!file.ok()) return refuse(file.error().message);
  const Rendition& size = made.renditions.front().first;
  Ended ended;
  // Where a film is shorter than it says, there is nothing at that place.
  for (const double place : {poster_place(made.media), 0.0}) {
    JCN_TRY(const Outcome posed, run_tool(
                                     settings_.ffmpeg, poster_arguments(made.media, size, place),
                                     {source.file.get(), *file}, [](std::string_view) {}, ended));
    if (posed != Outcome::done) return posed;
    if (ended.fine() && !files.is_empty(*file)) {
      made.poster = files.path(poster_suffix);
      return Outcome::done;
    }
  }
  return refuse(ended.fine() ? "There is no picture in this video." : complaint("ffmpeg", ended));
}

Job::Step Job::encode(VideoFiles& files, const Source& source, Made& made) {
  std::vector<int> descriptors = {source.file.get()};
  std::vector<Rendition> renditions;
  for (const auto& [rendition, path] : made.renditions) {
    const auto file = files.make(rendition.name + ".webm");
    if (!file.ok()) return refuse(file.error().message);
    descriptors.push_back(*file);
    renditions.push_back(rendition);
  }
  duration_ = made.media.duration;
  Ended ended;
  JCN_TRY(const Outcome encoded,
          run_tool(
              settings_.ffmpeg, encode_arguments(made.media, renditions, settings_.encoding),
              descriptors, [&](std::string_view bytes) { progress_.take(bytes); }, ended));
  duration_.reset();
  if (encoded != Outcome::done) return encoded;
  if (!ended.fine()) return refuse(complaint("ffmpeg", ended));
  for (std::size_t i = 1; i < descriptors.size(); ++i) {
    if (files.is_empty(descriptors[i]) || progress_.frames() == 0) {
      const std::string line = error_line(ended.errors);
      return refuse(line.empty() ? "There is no picture in this video." : line);
    }
  }
  made.duration = made.media.duration ? made.media.duration : std::optional(progress_.seconds());
  return Outcome::done;
}

Job::Step Job::finish(VideoFiles& files, const Source& source, const Made& made) {
  if (const auto synced = files.sync(); !synced.ok()) return refuse(synced.error().message);
  JCN_TRY(const Outcome still, insist([&] { return look(); }));
  if (still != Outcome::done) return still;
  if (const auto now = open_source(root_fd_, video_.source_path); now.ok() && !source.same(*now))
    return Outcome::anew;
  JCN_TRY(const bool ours, insist([&] { return claim_.renew(); }));
  if (!ours) return Outcome::lost;
  if (const auto settled = files.settle(); !settled.ok()) return refuse(settled.error().message);
  const auto announced = put_note(done_note(video_.id, time_now(), made));
  if (!announced.ok()) {
    files.remove();
    return announced.error();
  }
  if (!*announced) return Outcome::lost;
  // What was deleted in these last moments left a note that belongs to nothing, and files.
  JCN_TRY(const Outcome there, insist([&] { return look(); }));
  return there == Outcome::gone ? there : Outcome::done;
}

Job::Step Job::refuse(std::string why) {
  why_ = std::move(why);
  return Outcome::failed;
}

Job::Step Job::fail(std::string why) {
  why_ = std::move(why);
  JCN_TRY(const bool told, put_note(failed_note(video_.id, time_now(), why_)));
  return told ? Outcome::failed : Outcome::lost;
}

// In few words, and without insisting: who takes over finds out by itself.
void Job::give_back() {
  (void)last_words_.write(note_path_, note_tag_, queued_note(video_.id, time_now()),
                          video_.stem + ".json");
  (void)claim_.let_go(last_words_);
}

void Job::forget_note() {
  if (note_tag_.empty()) return;
  const auto removed = insist([&] { return notes_.remove(note_path_, note_tag_); });
  if (!removed.ok()) spdlog::warn("{} stays: {}", note_path_, removed.error().message);
}

Job::Step Job::run_tool(const std::string& program, std::vector<std::string> arguments,
                        const std::vector<int>& descriptors,
                        std::function<void(std::string_view)> output, Ended& ended) {
  verdict_ = Outcome::done;
  trouble_.reset();
  progress_ = {};
  last_asked_ = last_gain_ = Clock::now();
  gained_ = 0;
  next_look_ = last_gain_ + between_looks;
  JCN_TRY(ended, run_child({.program = program,
                            .arguments = std::move(arguments),
                            .descriptors = descriptors,
                            .output = std::move(output),
                            .goes_on = [this] { return goes_on(); }}));
  if (trouble_) return *std::move(trouble_);
  if (settings_.stopped()) return Outcome::stopped;
  return verdict_;
}

bool Job::goes_on() {
  if (settings_.stopped()) {
    verdict_ = Outcome::stopped;
    return false;
  }
  const Clock::time_point now = Clock::now();
  Step step = Outcome::done;
  if (const auto kept = claim_.keep(now); !kept.ok()) {
    step = kept.error();
  } else if (!*kept) {
    step = Outcome::lost;
  } else {
    step = report(now);
  }
  if (!step.ok() && passes(step.error().code)) return true;
  if (!step.ok()) trouble_ = step.error();
  if (step.ok()) verdict_ = *step;
  return verdict_ == Outcome::done && !trouble_;
}

// Looks at the record now and then, says how far it is, and sees whether it gets on.
Job::Step Job::report(Clock::time_point now) {
  // While this process was stopped, or waited for jcn, nobody looked how far ffmpeg got.
  if (now - last_asked_ > longest_pause) last_gain_ += now - last_asked_;
  last_asked_ = now;
  if (progress_.seconds() > gained_) {
    gained_ = progress_.seconds();
    last_gain_ = now;
  } else if (now - last_gain_ > settings_.patience) {
    why_ = "ffmpeg got no further for " + std::to_string(settings_.patience.count()) + " seconds.";
    return Outcome::failed;
  }
  if (now < next_look_) return Outcome::done;
  next_look_ = now + between_looks;
  JCN_TRY(const Outcome still, look());
  if (still != Outcome::done) return still;
  const auto percent = progress_.percent(duration_);
  if (!percent || now < next_report_) return Outcome::done;
  next_report_ = now + between_reports;
  JCN_TRY(const bool told,
          try_note(running_note(video_.id, running_since_, time_now(), percent, settings_.holder)));
  return told ? Outcome::done : Outcome::lost;
}

}  // namespace jcn_transcode
