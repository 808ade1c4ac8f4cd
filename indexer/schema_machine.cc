#include "schema_machine.h"

#include <algorithm>
#include <bit>
#include <set>

#include "jcn/utf8.h"
#include "source_place.h"

namespace jcn {
namespace {

constexpr std::size_t shown_bytes = 60;  // of a value, in messages
constexpr std::uint64_t steps_of_a_fault = 5;

constexpr std::string_view type_words[] = {"null",     "a boolean", "a number",
                                           "a string", "an array",  "an object"};

// At most so many bytes, cut between characters.
std::string shown(std::string_view text, std::size_t most = shown_bytes) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "…";
}

std::string_view word_of(std::string_view value) {
  return type_words[static_cast<std::size_t>(json_type(value))];
}

std::string words_of(const schema::TypeOf& wanted) {
  std::vector<std::string> words;
  for (std::size_t type = 0; type < std::size(type_words); ++type) {
    if (wanted.types >> type & 1) words.emplace_back(type_words[type]);
  }
  if (wanted.integer) words.emplace_back("an integer");
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::size_t count_children(std::string_view container) {
  std::size_t count = 0;
  for (JsonCursor cursor(container); cursor.next();) ++count;
  return count;
}

struct ValueLess {
  bool operator()(std::string_view a, std::string_view b) const { return compare_values(a, b) < 0; }
};

}  // namespace

SchemaMachine::SchemaMachine(const SchemaProgram& program, std::string_view document,
                             std::uint64_t max_steps)
    : program_(program), document_(document), steps_left_(max_steps) {
  frames_.reserve(16);
}

std::optional<SchemaViolation> SchemaMachine::run() {
  (void)call(0, document_, false);
  Signal signal = Signal::begin;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    const std::vector<SchemaStep>& steps = program_.nodes[frame.node].steps;
    Progress progress = Progress::passed;
    if (frame.step < steps.size()) {
      progress = spend(1) ? std::visit([&](const auto& what) { return go(frame, what, signal); },
                                       steps[frame.step].what)
                          : Progress::failed;
      if (exhausted_)
        return SchemaViolation{0, "", "checking this takes more steps than a check may take"};
      if (progress == Progress::passed) {
        frame.index = frame.hits = 0;
        frame.nearest.reset();
        ++frame.step;
      }
      if (progress != Progress::failed) {
        signal = Signal::begin;
        continue;
      }
    }
    waiting_.resize(frame.waiting);
    frames_.pop_back();
    signal = progress == Progress::passed ? Signal::child_passed : Signal::child_failed;
  }
  if (signal == Signal::child_passed) return std::nullopt;
  return violation(*fault_);
}

SchemaMachine::Progress SchemaMachine::call(NodeId node, std::string_view value, bool silent) {
  Frame frame;
  frame.node = node;
  frame.value = value;
  if (!frames_.empty()) {
    const Frame& caller = frames_.back();
    silent |= caller.silent;
    frame.depth = caller.depth + (value.data() == caller.value.data() ? 0 : 1);
  }
  frame.silent = silent;
  frame.waiting = waiting_.size();
  frames_.push_back(std::move(frame));
  return Progress::waiting;
}

bool SchemaMachine::spend(std::uint64_t steps) {
  if (steps_left_ >= steps) {
    steps_left_ -= steps;
    return true;
  }
  exhausted_ = true;
  return false;
}

SchemaMachine::Progress SchemaMachine::fail(const Frame& frame, std::string_view at,
                                            std::string message) {
  if (frame.silent || !spend(steps_of_a_fault)) return Progress::failed;
  fault_ = std::make_unique<Fault>();
  fault_->at = at;
  fault_->depth = frame.depth;
  fault_->step = &program_.nodes[frame.node].steps[frame.step];
  fault_->message = std::move(message);
  return Progress::failed;
}

std::string SchemaMachine::words(const Fault& fault) const {
  const std::string place = pointer_at(program_.text, fault.step->at);
  if (place.empty()) return fault.message;
  return fault.message + " (" + shown(place, 200) + " of the schema)";
}

SchemaViolation SchemaMachine::violation(const Fault& fault) const {
  const auto offset = static_cast<std::size_t>(fault.at.data() - document_.data());
  SchemaViolation found{offset, pointer_at(document_, offset), words(fault)};
  if (found.pointer->size() > max_pointer_bytes) found.pointer.reset();
  if (fault.nearest) {
    const SchemaViolation nearest = violation(*fault.nearest);
    found.message += "; the nearest: ";
    if (nearest.pointer && !nearest.pointer->empty())
      found.message += shown(*nearest.pointer, 100) + " ";
    found.message += nearest.message;
  }
  return found;
}

// What looks at the value itself.

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Nothing&, Signal) {
  return fail(frame, frame.value, "nothing may stand here");
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::TypeOf& wanted, Signal) {
  const JsonType type = json_type(frame.value);
  if (wanted.types >> static_cast<unsigned>(type) & 1) return Progress::passed;
  std::string found(word_of(frame.value));
  if (type == JsonType::number && wanted.integer) {
    if (!spend_on(frame.value)) return Progress::failed;
    const bool integer = wanted.integer_as_text
                             ? frame.value.find_first_of(".eE") == std::string_view::npos
                             : is_integer(frame.value);
    if (integer) return Progress::passed;
    found = shown(frame.value);
  }
  if (frame.silent) return Progress::failed;
  return fail(frame, frame.value, "must be " + words_of(wanted) + ", not " + found);
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Values& values, Signal) {
  const std::uint64_t comparisons = std::bit_width(values.sorted.size());
  if (!spend(comparisons * (frame.value.size() / 32 + 1))) return Progress::failed;
  if (std::binary_search(values.sorted.begin(), values.sorted.end(), frame.value, ValueLess()))
    return Progress::passed;
  if (frame.silent) return Progress::failed;
  if (values.constant) return fail(frame, frame.value, "must be " + shown(values.sorted.front()));
  std::string list;
  for (const std::string_view value : values.sorted) {
    if (!list.empty()) list += ", ";
    list += shown(value);
    if (list.size() > 150 && value.data() != values.sorted.back().data()) {
      list += ", …";
      break;
    }
  }
  return fail(frame, frame.value, "must be one of " + list);
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::MultipleOf& wanted, Signal) {
  if (json_type(frame.value) != JsonType::number) return Progress::passed;
  if (!spend_on(frame.value)) return Progress::failed;
  if (is_multiple(frame.value, wanted.divisor)) return Progress::passed;
  return fail(frame, frame.value,
              shown(frame.value) + " must be a multiple of " + shown(wanted.text));
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Bound& bound, Signal) {
  if (json_type(frame.value) != JsonType::number) return Progress::passed;
  if (!spend_on(frame.value)) return Progress::failed;
  int order = compare_numbers(frame.value, bound.limit);
  const bool minimum = bound.side == schema::Bound::Side::minimum;
  if (!minimum) order = -order;
  if (bound.exclusive ? order > 0 : order >= 0) return Progress::passed;
  const char* relation = minimum ? (bound.exclusive ? "greater than " : "at least ")
                                 : (bound.exclusive ? "less than " : "at most ");
  return fail(frame, frame.value, shown(frame.value) + " must be " + relation + shown(bound.limit));
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Count& wanted, Signal) {
  using Of = schema::Count::Of;
  const JsonType type = json_type(frame.value);
  const JsonType meant = wanted.of == Of::characters ? JsonType::string
                         : wanted.of == Of::elements ? JsonType::array
                                                     : JsonType::object;
  if (type != meant) return Progress::passed;
  if (!spend_on(frame.value)) return Progress::failed;
  const std::uint64_t count = wanted.of == Of::characters ? utf8_count(json_unquote(frame.value))
                                                          : count_children(frame.value);
  if (wanted.at_least ? count >= wanted.limit : count <= wanted.limit) return Progress::passed;
  const char* what = wanted.at_least ? "must have at least " : "must have at most ";
  const std::string limit =
      wanted.of == Of::characters ? counted(wanted.limit, "character", "characters")
      : wanted.of == Of::elements ? counted(wanted.limit, "element", "elements")
                                  : counted(wanted.limit, "member", "members");
  return fail(frame, frame.value, what + limit + ", has " + std::to_string(count));
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Matches& wanted, Signal) {
  if (json_type(frame.value) != JsonType::string) return Progress::passed;
  if (!spend(frame.value.size() / 32 * wanted.pattern->cost())) return Progress::failed;
  if (wanted.pattern->found_in(json_unquote(frame.value))) return Progress::passed;
  return fail(frame, frame.value, "must match the pattern " + shown(wanted.text, 100));
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Format& wanted, Signal) {
  if (json_type(frame.value) != JsonType::string) return Progress::passed;
  if (!spend_on(frame.value)) return Progress::failed;
  if (wanted.row->fits(json_unquote(frame.value))) return Progress::passed;
  return fail(frame, frame.value, "must be " + std::string(wanted.row->wanted));
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Unique&, Signal) {
  if (json_type(frame.value) != JsonType::array) return Progress::passed;
  std::set<std::string_view, ValueLess> seen;
  for (JsonCursor cursor(frame.value); cursor.next();) {
    const std::uint64_t comparisons = std::bit_width(seen.size()) + 1U;
    if (!spend(comparisons * (cursor.value().size() / 32 + 1))) return Progress::failed;
    if (!seen.insert(cursor.value()).second)
      return fail(frame, cursor.value(), "an earlier element has the same value");
  }
  return Progress::passed;
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Required& wanted, Signal) {
  if (json_type(frame.value) != JsonType::object) return Progress::passed;
  if (!spend_on(frame.value)) return Progress::failed;
  std::vector<bool> there(wanted.names.size());
  std::size_t missing = wanted.names.size();
  for (JsonCursor cursor(frame.value); missing > 0 && cursor.next();) {
    const auto found = wanted.places.find(cursor.name());
    if (found == wanted.places.end()) continue;
    there[found->second] = true;
    --missing;
  }
  if (missing == 0) return Progress::passed;
  const auto first = std::find(there.begin(), there.end(), false) - there.begin();
  return fail(frame, frame.value,
              "must have a member " + shown(wanted.names[static_cast<std::size_t>(first)]));
}

// What asks other nodes about the same value.

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::All& all, Signal signal) {
  if (signal == Signal::child_failed) return Progress::failed;
  if (frame.index == all.nodes.size()) return Progress::passed;
  return call(all.nodes[frame.index++], frame.value, false);
}

// Of the alternatives that failed, the one that failed deepest is most likely the one meant.
void SchemaMachine::keep_nearest(Frame& frame) {
  if (!fault_) return;
  std::unique_ptr<Fault> fault = std::move(fault_);
  if (fault->nearest) fault = std::move(fault->nearest);
  if (!frame.nearest || fault->depth > frame.nearest->depth) frame.nearest = std::move(fault);
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Any& any, Signal signal) {
  if (signal == Signal::child_failed) keep_nearest(frame);
  if (signal == Signal::child_passed) {
    if (!any.exactly_one) return Progress::passed;
    ++frame.hits;
  }
  if (frame.hits < 2 && frame.index < any.nodes.size())
    return call(any.nodes[frame.index++], frame.value, false);
  if (frame.hits == 1) return Progress::passed;
  if (frame.silent) return Progress::failed;
  if (frame.hits > 1)
    return fail(frame, frame.value, "must fit exactly one alternative, and fits several");
  (void)fail(frame, frame.value,
             "must fit one of " + counted(any.nodes.size(), "alternative", "alternatives"));
  if (fault_) fault_->nearest = std::move(frame.nearest);
  return Progress::failed;
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Not& wanted, Signal signal) {
  if (signal == Signal::begin) return call(wanted.node, frame.value, true);
  if (signal == Signal::child_failed) return Progress::passed;
  return fail(frame, frame.value, "must not be as the schema here says");
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::If& wanted, Signal signal) {
  if (signal == Signal::begin) return call(wanted.condition, frame.value, true);
  if (frame.index == 1) return signal == Signal::child_passed ? Progress::passed : Progress::failed;
  const NodeId next = signal == Signal::child_passed ? wanted.then : wanted.otherwise;
  if (next == no_node) return Progress::passed;
  frame.index = 1;
  return call(next, frame.value, false);
}

SchemaMachine::Progress SchemaMachine::next_waiting(Frame& frame, std::string_view value) {
  if (waiting_.size() == frame.waiting) return Progress::passed;
  const NodeId node = waiting_.back();
  waiting_.pop_back();
  return call(node, value, false);
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Dependencies& wanted,
                                          Signal signal) {
  if (json_type(frame.value) != JsonType::object) return Progress::passed;
  if (signal == Signal::child_failed) return Progress::failed;
  if (signal == Signal::begin) {
    if (!spend_on(frame.value)) return Progress::failed;
    std::set<std::string_view> there;
    if (!wanted.names.empty()) {
      for (JsonCursor cursor(frame.value); cursor.next();) there.insert(cursor.name());
    }
    for (JsonCursor cursor(frame.value); cursor.next();) {
      if (const auto names = wanted.names.find(cursor.name()); names != wanted.names.end()) {
        for (const std::string_view name : names->second) {
          if (there.contains(name)) continue;
          return fail(
              frame, frame.value,
              "must have a member " + shown(name) + ", because it has " + shown(cursor.name()));
        }
      }
      const auto node = wanted.nodes.find(cursor.name());
      if (node != wanted.nodes.end()) waiting_.push_back(node->second);
    }
  }
  return next_waiting(frame, frame.value);
}

// What asks other nodes about what the value holds.

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Items& items, Signal signal) {
  if (json_type(frame.value) != JsonType::array) return Progress::passed;
  if (signal == Signal::child_failed) return Progress::failed;
  if (signal == Signal::begin) {
    if (!spend_on(frame.value)) return Progress::failed;
    frame.cursor = JsonCursor(frame.value);
  }
  if (items.rest == no_node && frame.index >= items.first.size()) return Progress::passed;
  if (!frame.cursor.next()) return Progress::passed;
  const NodeId node = frame.index < items.first.size() ? items.first[frame.index] : items.rest;
  ++frame.index;
  return call(node, frame.cursor.value(), false);
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Contains& wanted,
                                          Signal signal) {
  if (json_type(frame.value) != JsonType::array || signal == Signal::child_passed)
    return Progress::passed;
  if (signal == Signal::begin) {
    if (!spend_on(frame.value)) return Progress::failed;
    frame.cursor = JsonCursor(frame.value);
  }
  if (frame.cursor.next()) return call(wanted.node, frame.cursor.value(), true);
  return fail(frame, frame.value, "must contain an element as the schema here says");
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Members& members,
                                          Signal signal) {
  if (json_type(frame.value) != JsonType::object) return Progress::passed;
  if (signal == Signal::child_failed) return Progress::failed;
  if (signal == Signal::begin) {
    if (!spend_on(frame.value)) return Progress::failed;
    frame.cursor = JsonCursor(frame.value);
  }
  while (waiting_.size() == frame.waiting) {
    if (!frame.cursor.next()) return Progress::passed;
    const std::string_view name = frame.cursor.name();
    if (!members.matching.empty()) {
      const std::string text = json_unquote(name);
      for (auto matching = members.matching.rbegin(); matching != members.matching.rend();
           ++matching) {
        if (!spend(1 + text.size() / 32 * matching->first->cost())) return Progress::failed;
        if (matching->first->found_in(text)) waiting_.push_back(matching->second);
      }
    }
    const auto named = members.named.find(name);
    if (named != members.named.end()) waiting_.push_back(named->second);
    if (waiting_.size() == frame.waiting && members.rest != no_node)
      waiting_.push_back(members.rest);
  }
  return next_waiting(frame, frame.cursor.value());
}

SchemaMachine::Progress SchemaMachine::go(Frame& frame, const schema::Names& wanted,
                                          Signal signal) {
  if (json_type(frame.value) != JsonType::object) return Progress::passed;
  if (signal == Signal::child_failed) {
    if (fault_) fault_->message.insert(0, "the member's name ");
    return Progress::failed;
  }
  if (signal == Signal::begin) {
    if (!spend_on(frame.value)) return Progress::failed;
    frame.cursor = JsonCursor(frame.value);
  }
  if (!frame.cursor.next()) return Progress::passed;
  return call(wanted.node, frame.cursor.name(), false);
}

}  // namespace jcn
