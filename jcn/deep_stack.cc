#include "deep_stack.h"

#include <pthread.h>

#include <optional>

#include "jcn/rules.h"

namespace jcn {
namespace {

constexpr std::size_t stack_base = 512 << 10;
constexpr std::size_t stack_per_level = 4 << 10;  // generous: a level takes a few hundred bytes

struct Job {
  const std::function<Result<Response>()>& work;
  std::optional<Result<Response>> answer;
};

void* run(void* job_pointer) {
  Job& job = *static_cast<Job*>(job_pointer);
  job.answer = job.work();
  return nullptr;
}

}  // namespace

Result<Response> on_deep_stack(std::uint32_t max_depth,
                               const std::function<Result<Response>()>& work) {
  if (max_depth <= Limits{}.max_depth) return work();
  Job job{work, std::nullopt};
  pthread_attr_t attributes;
  pthread_t thread;
  bool started = pthread_attr_init(&attributes) == 0;
  if (started) {
    pthread_attr_setstacksize(&attributes, stack_base + max_depth * stack_per_level);
    started = pthread_create(&thread, &attributes, run, &job) == 0;
    pthread_attr_destroy(&attributes);
  }
  if (!started) return Error{Code::overloaded, "There is no thread to answer this now."};
  pthread_join(thread, nullptr);
  return *std::move(job.answer);
}

}  // namespace jcn
