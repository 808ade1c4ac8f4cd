// How far a webhook is: what outlives the process, in one small file per webhook.
//
// The file is only ever replaced as a whole (temporary name, fsync, rename, fsync of the folder),
// and may be older than what was delivered: then that is delivered again, never less. Only `told`
// is never behind: numbers that a power cut has taken back are known by it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "feed_seq.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// A change that the receiver did not take, and that others have passed.
struct ParkedChange {
  RecordKey key;
  std::uint64_t attempts = 1;
  std::int64_t first_ns = 0, last_ns = 0;  // wall clock, of the attempts
  int status = 0;                          // of the last answer; 0: there was none
  std::string error;
  bool given_up = false;  // not tried again unless somebody asks for it
  bool operator==(const ParkedChange&) const = default;
};

struct WebhookState {
  // All changes up to here were delivered, are parked, or are none of the receiver's business.
  // Absent: it has been told nothing yet.
  std::optional<FeedSeq> place;
  bool fresh = false;  // the receiver is to be told first that it has to begin anew
  bool gone = false;   // it answered 410: nothing is sent unless somebody asks for it
  std::map<std::uint64_t, ParkedChange> parked;  // by sequence number, all of place's history
  std::string gone_at = {};                      // the address that answered: webhook_address()
  // The largest number, of place's history, up to which the receiver may know anything.
  std::uint64_t told = 0;
  bool operator==(const WebhookState&) const = default;
};

// An address that may hold secrets, as what can be compared and tells none.
std::string webhook_address(const std::string& url);

std::string encode_webhook_state(const WebhookState& state);
// Absent: not a whole one.
std::optional<WebhookState> decode_webhook_state(std::string_view bytes);

// Of a webhook that has no file yet, or a damaged one, the state is a new one.
struct LoadedWebhookState {
  WebhookState state;
  std::string damaged;  // where the damaged one lies now, beside its place; empty: there was none
};
// Errors: system (what is there cannot be read, which tells nothing of it), those of
// save_webhook_state (what is damaged cannot be set aside).
Result<LoadedWebhookState> load_webhook_state(const std::string& folder, const std::string& name);
// Makes the folder when it is missing. When it fails the file is as it was before. Errors: system,
// disk_full, write_error.
Result<void> save_webhook_state(const std::string& folder, const std::string& name,
                                const WebhookState& state);

}  // namespace jcn
