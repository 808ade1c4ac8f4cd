// Runs a compiled schema over a document. Its stack of frames lies on the heap: depth costs memory,
// never the thread's stack.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/canonical.h"
#include "jcn/schema.h"
#include "schema_program.h"

namespace jcn {

// For one check, by one thread.
class SchemaMachine {
 public:
  SchemaMachine(const SchemaProgram& program, std::string_view document, std::uint64_t max_steps);
  std::optional<SchemaViolation> run();

 private:
  // What a step is told, and what it answers. `waiting`: it has called a node and is told how that
  // ended; it must not touch its frame after the call, which may have moved.
  enum class Signal : std::uint8_t { begin, child_passed, child_failed };
  enum class Progress : std::uint8_t { passed, failed, waiting };

  // Why a node failed; put into words only once it is known that it matters.
  struct Fault {
    std::string_view at;  // a value or a name of the document
    std::size_t depth = 0;
    const SchemaStep* step = nullptr;
    std::string message;
    std::unique_ptr<Fault> nearest;  // has none itself
  };
  // A node under way at a value.
  struct Frame {
    NodeId node = 0;
    std::string_view value;
    std::size_t depth = 0;  // of the value in the document
    bool silent = false;    // nobody will ask why it failed
    std::size_t step = 0;
    // Of the step under way.
    JsonCursor cursor{std::string_view()};
    std::size_t index = 0, hits = 0;
    std::size_t waiting = 0;  // where its nodes begin in waiting_
    std::unique_ptr<Fault> nearest;
  };

  Progress call(NodeId node, std::string_view value, bool silent);
  Progress fail(const Frame& frame, std::string_view at, std::string message);
  bool spend(std::uint64_t steps);
  bool spend_on(std::string_view value) { return spend(value.size() / 32); }

  Progress go(Frame& frame, const schema::Nothing&, Signal);
  Progress go(Frame& frame, const schema::TypeOf&, Signal);
  Progress go(Frame& frame, const schema::Values&, Signal);
  Progress go(Frame& frame, const schema::MultipleOf&, Signal);
  Progress go(Frame& frame, const schema::Bound&, Signal);
  Progress go(Frame& frame, const schema::Count&, Signal);
  Progress go(Frame& frame, const schema::Matches&, Signal);
  Progress go(Frame& frame, const schema::Format&, Signal);
  Progress go(Frame& frame, const schema::Unique&, Signal);
  Progress go(Frame& frame, const schema::Required&, Signal);
  Progress go(Frame& frame, const schema::All&, Signal);
  Progress go(Frame& frame, const schema::Any&, Signal);
  Progress go(Frame& frame, const schema::Not&, Signal);
  Progress go(Frame& frame, const schema::If&, Signal);
  Progress go(Frame& frame, const schema::Dependencies&, Signal);
  Progress go(Frame& frame, const schema::Items&, Signal);
  Progress go(Frame& frame, const schema::Contains&, Signal);
  Progress go(Frame& frame, const schema::Members&, Signal);
  Progress go(Frame& frame, const schema::Names&, Signal);
  Progress next_waiting(Frame& frame, std::string_view value);
  void keep_nearest(Frame& frame);
  std::string words(const Fault& fault) const;
  SchemaViolation violation(const Fault& fault) const;

  const SchemaProgram& program_;
  const std::string_view document_;
  std::uint64_t steps_left_;
  bool exhausted_ = false;
  std::vector<Frame> frames_;
  std::vector<NodeId> waiting_;   // nodes that the last member's value still has to pass
  std::unique_ptr<Fault> fault_;  // of the node that failed last, unless nobody will ask
};

}  // namespace jcn
