#include "transcode_lease.h"

#include <algorithm>

#include "answer_members.h"
#include "json_writer.h"

namespace jcn_transcode {
namespace {

constexpr std::uint64_t longest_term = 3600;  // seconds

}  // namespace

std::string lease_text(const Lease& lease, std::string_view now) {
  std::string text;
  jcn::JsonWriter json(text);
  json.open('{').key("video").string(lease.video).key("holder").string(lease.holder);
  json.key("attempt").number(lease.attempt).key("renewal").number(lease.renewal);
  json.key("term").number(static_cast<std::uint64_t>(lease.term.count()));
  json.key("renewed_at").string(now).close('}');
  return text;
}

Lease read_lease(std::string_view text) {
  Lease lease;
  lease.video = jcn_client::text_member(text, "video");
  lease.holder = jcn_client::text_member(text, "holder");
  lease.attempt = std::max<std::uint64_t>(1, jcn_client::number_member(text, "attempt"));
  lease.renewal = jcn_client::number_member(text, "renewal");
  if (const std::uint64_t term = jcn_client::number_member(text, "term"); term > 0)
    lease.term = std::chrono::seconds(std::min(term, longest_term));
  return lease;
}

bool LeaseWatch::expired(const std::string& path, const std::string& tag, std::chrono::seconds term,
                         Clock::time_point now) {
  const auto [place, is_new] = seen_.try_emplace(path, Seen{tag, now});
  if (!is_new && place->second.tag != tag) place->second = {tag, now};
  return now - place->second.since >= term;
}

}  // namespace jcn_transcode
