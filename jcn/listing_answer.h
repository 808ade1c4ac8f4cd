// GET /v1/{kind}: what is asked for → the text of the answer. Shared by the daemon and by tools
// that read an index themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jcn/projection.h"
#include "jcn/query.h"
#include "jcn/snapshot.h"
#include "listing_parameters.h"

namespace jcn {

struct ListingAnswer {
  QueryAnswer found;
  FieldList fields;                 // when they are asked for
  std::optional<std::string> next;  // the next page's token
};

// One thread, that of the snapshot. Errors: of run_query.
Result<ListingAnswer> answer_listing(const Snapshot& snapshot, const ListingRequest& asked);

// A record as a row: `_id` first, then `_created`, `_updated` and `_since` if they are columns,
// then its members, or those that are columns. Members of these names give way.
class RowWriter {
 public:
  explicit RowWriter(const ListingRequest& asked);
  void append(std::string& out, const Record& record) const;

 private:
  bool created_ = false, updated_ = false, since_ = false;
  std::optional<Projection> projection_;
};

// The answer's body in the shape that is asked for. `seq`: the snapshot's, as it is shown;
// `next_url` goes with answer.next.
std::string listing_text(const ListingRequest& asked, const ListingAnswer& answer,
                         const std::string& seq, const std::string& next_url);

}  // namespace jcn
