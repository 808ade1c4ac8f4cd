#include "transcode_worker.h"

#include <spdlog/spdlog.h>
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
using jcn_client::HttpClient;
using jcn_client::percent_encoded;
using jcn_client::raw_member;
using jcn_client::text_member;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds answer_time{15};    // jcn may take 10 until a write is visible
constexpr seconds last_word_time{2};  // when this worker is to end
constexpr milliseconds longest_follow{60'000};
constexpr milliseconds between_looks{500};  // where jcn has no place for a feed that waits
constexpr milliseconds first_pause{250}, longest_pause{15'000};  // while jcn does not answer
constexpr seconds put_off_by_trouble{60};
constexpr std::string_view note_end = ".json";

void sleep_for(milliseconds time) {
  const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
  nanosleep(&wait, nullptr);  // a signal ends it
}

jcn_client::Settings client_settings(const Settings& settings) {
  return {.url = settings.url,
          .token = settings.token,
          .timeout = answer_time,
          .give_up = settings.stopped};
}

// Where the root is: its name and its folder, as /v1/status says.
Result<void> choose_root(Settings& settings, const std::string& status) {
  const std::string roots = raw_member(status, "roots");
  std::vector<std::pair<std::string, std::string>> found;  // names and folders
  if (roots.front() == '[') {
    for (jcn::JsonCursor each(roots); each.next();) {
      const std::string name = text_member(each.value(), "name");
      if (settings.root.empty() || settings.root == name)
        found.emplace_back(name, text_member(each.value(), "path"));
    }
  }
  if (found.empty()) return Error{Code::no_such_root, "jcn has no root " + settings.root};
  if (found.size() > 1)
    return Error{Code::bad_usage, "jcn has several roots", "name one with --root"};
  settings.root = found.front().first;
  if (settings.folder.empty()) settings.folder = found.front().second;
  return {};
}

// Everything that a program says with these arguments.
Result<std::string> said_by(const std::string& program, std::vector<std::string> arguments) {
  std::string said;
  const auto ended = run_child({.program = program,
                                .arguments = std::move(arguments),
                                .output = [&](std::string_view bytes) { said += bytes; }});
  if (ended.ok() && ended->fine()) return said;
  return Error{Code::bad_configuration,
               program + (ended.ok() ? " does not work" : " can't be started: ") +
                   (ended.ok() ? "" : ended.error().message),
               "install ffmpeg, or say where it is with --ffmpeg and --ffprobe"};
}

}  // namespace

Result<void> find_root(Settings& settings) {
  HttpClient jcn(client_settings(settings));
  milliseconds pause = first_pause;
  for (bool told = false;;) {
    const auto status = jcn.get("/v1/status");
    if (status.ok()) return choose_root(settings, status->body);
    if (settings.stopped() || !passes(status.error().code)) return status.error();
    if (!told) spdlog::warn("waiting for jcn: {}", status.error().message);
    told = true;
    sleep_for(pause);
    pause = std::min(2 * pause, longest_pause);
  }
}

Result<void> check_tools(const Settings& settings) {
  JCN_TRY(const std::string probe, said_by(settings.ffprobe, {"-version"}));
  JCN_TRY(const std::string encoders, said_by(settings.ffmpeg, {"-hide_banner", "-encoders"}));
  for (const char* each : {"libvpx-vp9", "libopus", "mjpeg"}) {
    if (encoders.find(std::string(" ") + each + ' ') == std::string::npos)
      return Error{Code::bad_configuration, settings.ffmpeg + " has no encoder " + each};
  }
  return {};
}

Worker::Worker(const Settings& settings, jcn::FileDescriptor root)
    : settings_(settings),
      root_(std::move(root)),
      jcn_(std::make_unique<HttpClient>(client_settings(settings))),
      last_(std::make_unique<HttpClient>(jcn_client::Settings{
          .url = settings.url, .token = settings.token, .timeout = last_word_time})),
      notes_(*jcn_, settings.root),
      last_words_(*last_, settings.root),
      queue_(*jcn_, settings.kinds) {}

Result<Worker> Worker::start(const Settings& settings) {
  JCN_TRY(jcn::FileDescriptor root, jcn::open_root(settings.folder));
  return Worker(settings, std::move(root));
}

Result<void> Worker::run() {
  while (!settings_.stopped()) {
    const Clock::time_point now = Clock::now();
    const std::optional<Waiting> waiting = queue_.next(now);
    const Result<void> done = waiting ? attempt(*waiting) : follow(now);
    if (settings_.stopped()) break;
    if (done.ok()) {
      if (pause_.count() > 0) spdlog::info("jcn answers again");
      pause_ = milliseconds(0);
      continue;
    }
    if (lasts(done.error().code)) return done;
    if (passes(done.error().code)) {
      pause_for(done.error());
    } else if (waiting) {
      spdlog::error("{}: {} {}", waiting->id, done.error().message, done.error().hint);
      queue_.put_off(*waiting, Clock::now() + put_off_by_trouble, "");
    } else {
      pause_for(done.error());
    }
  }
  return {};
}

// What there is to do is heard of, or due.
Result<void> Worker::follow(Clock::time_point now) {
  const auto due = queue_.next_due();
  const auto until_due = due ? std::chrono::ceil<milliseconds>(*due - now) : Clock::duration::max();
  const auto patience = std::chrono::duration_cast<milliseconds>(
      std::min<Clock::duration>(until_due, longest_follow));
  JCN_TRY(const bool heard, queue_.follow(patience));
  if (!heard) sleep_for(std::min(patience, between_looks));
  return {};
}

void Worker::pause_for(const Error& error) {
  if (pause_.count() == 0) spdlog::warn("waiting for jcn: {}", error.message);
  pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
  if (!is_crowded(error.code)) watch_.begin_anew();
  sleep_for(pause_);
}

Result<void> Worker::attempt(const Waiting& waiting) {
  const auto said = jcn_->get("/v1/" + percent_encoded(waiting.kind) + '/' +
                              percent_encoded(waiting.id) + "?_extra=fragments");
  if (!said.ok() && said.error().code == Code::no_such_record) {
    queue_.drop(waiting);
    return {};
  }
  if (!said.ok()) return said.error();
  Video video;
  video.kind = waiting.kind;
  video.id = waiting.id;
  read_video(video, raw_member(said->body, "record"));
  const std::string first(jcn::json_at(said->body, "/fragments/0").value_or("{}"));
  const std::string path = text_member(first, "path");
  if (!video.unfinished || video.source_path.empty() || !path.ends_with(note_end) ||
      text_member(first, "root") != settings_.root) {
    queue_.drop(waiting);
    return {};
  }
  video.stem = path.substr(0, path.size() - note_end.size());
  const std::string name = video.stem.substr(video.stem.rfind('/') + 1);
  auto taken = claim(waiting, video.stem, name);
  if (!taken.ok() && taken.error().code == Code::no_such_fragment) {  // deleted this very moment
    queue_.drop(waiting);
    return {};
  }
  JCN_TRY(std::optional<Claim> claimed, std::move(taken));
  if (!claimed) return {};

  spdlog::info("{}: begun, attempt {}", waiting.id, claimed->lease().attempt);
  Job job(settings_, *jcn_, notes_, last_words_, root_.get(), *claimed, std::move(video));
  JCN_TRY(const Outcome outcome, job.run());
  static constexpr const char* words[] = {
      "done",       "failed",  "deleted meanwhile", "lost to another worker",
      "given back", "changed", "nothing to do"};
  spdlog::info("{}: {}{}", waiting.id, words[static_cast<std::size_t>(outcome)],
               outcome == Outcome::failed ? ": " + job.why() : "");
  if (outcome == Outcome::lost) {
    queue_.put_off(waiting, Clock::now() + settings_.lease, name);
  } else {
    queue_.drop(waiting);
  }
  return {};
}

// Nothing: another worker has it, and it is put off.
Result<std::optional<Claim>> Worker::claim(const Waiting& waiting, const std::string& stem,
                                           const std::string& name) {
  const std::string path = Claim::path_of(stem);
  Lease lease{.video = waiting.id, .holder = settings_.holder, .term = settings_.lease};
  JCN_TRY(std::optional<Claim> created, Claim::take(notes_, stem, lease));
  if (created) return created;
  JCN_TRY(const std::optional<Note> there, notes_.read(path));
  if (!there) return std::optional<Claim>();  // gone again: it is still due
  const Lease theirs = read_lease(there->text);
  const Clock::time_point now = Clock::now();
  // One of ours is left from a request whose answer was lost.
  if (theirs.holder == settings_.holder || watch_.expired(path, there->tag, theirs.term, now)) {
    lease.attempt = theirs.attempt + (theirs.holder == settings_.holder ? 0 : 1);
    JCN_TRY(std::optional<Claim> taken, Claim::take(notes_, stem, lease, there->tag));
    if (taken && lease.attempt > theirs.attempt)
      spdlog::warn("{}: taken over from {}, who was silent for {} s", waiting.id, theirs.holder,
                   theirs.term.count());
    if (taken) {
      watch_.forget(path);
      return taken;
    }
  }
  // A bit later than its term ends, if it is not renewed till then.
  queue_.put_off(waiting, now + theirs.term + milliseconds(50), name);
  return std::optional<Claim>();
}

}  // namespace jcn_transcode
