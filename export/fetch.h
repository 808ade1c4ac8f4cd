// Fetch: the snapshot that a daemon serves → a file. (GET /v1/export.sqlite)
#pragma once

#include "destination.h"
#include "http_client.h"
#include "progress.h"
#include "sqlite_export.h"

namespace jcn_export {

// Writes the file aside, and checks it; it is for the caller to put it into place. The daemon's
// first snapshot is waited for. Errors: not_connected, not_ready (it takes too long), internal
// (what came is no snapshot of jcn's, or not whole), system, and those of the daemon.
jcn::Result<Exported> fetch_snapshot(jcn_client::HttpClient& daemon, const Destination& destination,
                                     const Progress& progress);

}  // namespace jcn_export
