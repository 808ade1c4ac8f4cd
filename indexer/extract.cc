#include "extract.h"

#include <xxhash.h>

#include "json_pointer.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

std::uint32_t hash_of(FieldId parent, std::string_view name) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(name.data(), name.size(), parent));
}

// Behind the string whose opening quote is at `at`.
std::size_t behind_string(std::string_view text, std::size_t at) {
  for (std::size_t from = at + 1;;) {
    const std::size_t quote = text.find('"', from);
    if (quote == none) return text.size();
    std::size_t before = quote;
    while (before > from && text[before - 1] == '\\') --before;
    if ((quote - before) % 2 == 0) return quote + 1;
    from = quote + 1;
  }
}

// Behind the number or word that begins at `at`.
std::size_t behind_word(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != ',' && text[at] != ']' && text[at] != '}') ++at;
  return at;
}

}  // namespace

FieldTable::FieldTable() : nodes_(1), slots_(64) {}

FieldId FieldTable::find(FieldId parent, std::string_view name, std::uint32_t hash) const {
  for (std::size_t i = hash;; ++i) {
    const Slot& slot = slots_[i & (slots_.size() - 1)];
    if (slot.field == 0) return 0;
    if (slot.hash != hash) continue;
    const Node& node = nodes_[slot.field];
    if (node.parent == parent && node.name == name) return slot.field;
  }
}

void FieldTable::place(Slot slot) {
  std::size_t i = slot.hash;
  while (slots_[i & (slots_.size() - 1)].field != 0) ++i;
  slots_[i & (slots_.size() - 1)] = slot;
}

void FieldTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.field != 0) place(slot);
  }
}

FieldId FieldTable::add(FieldId parent, std::string_view name, std::uint32_t hash,
                        std::string path) {
  const auto field = static_cast<FieldId>(nodes_.size());
  nodes_.push_back({std::move(path), std::string(name), parent, 0});
  if (++taken_ * 2 > slots_.size()) grow();
  place({hash, field});
  return field;
}

FieldId FieldTable::member(FieldId parent, std::string_view quoted_name) {
  const std::uint32_t hash = hash_of(parent, quoted_name);
  if (const FieldId field = find(parent, quoted_name, hash)) return field;
  std::string path = nodes_[parent].path;
  append_field_step(path, json_unquote(quoted_name));
  return add(parent, quoted_name, hash, std::move(path));
}

FieldId FieldTable::elements(FieldId parent) {
  if (nodes_[parent].elements != 0) return nodes_[parent].elements;
  const auto field = static_cast<FieldId>(nodes_.size());
  // Not among the slots: no member has this name.
  nodes_.push_back({nodes_[parent].path + '/' + std::string(array_step), "", parent, 0});
  nodes_[parent].elements = field;
  return field;
}

FieldId FieldTable::find_or_add(std::string_view path) {
  if (path.empty()) return root;
  if (path.front() != '/') {
    // Without quotes it is no member's name.
    const std::uint32_t hash = hash_of(root, path);
    const FieldId field = find(root, path, hash);
    return field != 0 ? field : add(root, path, hash, std::string(path));
  }
  FieldId field = root;
  for (std::size_t at = 1;;) {
    const std::size_t slash = path.find('/', at);
    const std::string_view step = path.substr(at, slash == none ? none : slash - at);
    if (step == array_step) {
      field = elements(field);
    } else {
      const auto name = split_pointer('/' + std::string(step));
      field = member(field, json_quote(name ? name->front() : step));
    }
    if (slash == none) return field;
    at = slash + 1;
  }
}

FindingCursor::FindingCursor(std::string_view document, FieldTable& fields)
    : text_(document), fields_(fields) {
  const JsonType type = json_type(document);
  if (document.empty() || (type != JsonType::object && type != JsonType::array)) return;
  open_.reserve(16);
  open_.push_back({FieldTable::root, type == JsonType::object});
  at_ = 1;
}

bool FindingCursor::next() {
  while (!open_.empty() && at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '}' || c == ']') {
      open_.pop_back();
      ++at_;
      continue;
    }
    if (c == ',') {
      ++at_;
      continue;
    }
    const Container& in = open_.back();
    finding_.element = !in.object;
    finding_.field = in.field;
    if (in.object) {
      const std::size_t end = behind_string(text_, at_);
      finding_.field = fields_.member(in.field, text_.substr(at_, end - at_));
      at_ = end + 1;  // the colon
      if (at_ >= text_.size()) break;
    }
    const JsonType type = json_type(text_.substr(at_, 1));
    return type == JsonType::object || type == JsonType::array ? container(type) : scalar(type);
  }
  open_.clear();
  return false;
}

bool FindingCursor::scalar(JsonType type) {
  const std::size_t end =
      type == JsonType::string ? behind_string(text_, at_) : behind_word(text_, at_);
  finding_.type = type;
  finding_.text = text_.substr(at_, end - at_);
  at_ = end;
  return true;
}

bool FindingCursor::container(JsonType type) {
  if (finding_.element) finding_.field = fields_.elements(finding_.field);
  finding_.element = false;
  if (next_end_ == ends_.size()) find_ends(at_);
  finding_.type = type;
  finding_.text = text_.substr(at_, ends_[next_end_++] - at_);
  open_.push_back({finding_.field, type == JsonType::object});
  ++at_;
  return true;
}

// Of the container at `begin` and all in it.
void FindingCursor::find_ends(std::size_t begin) {
  ends_.clear();
  next_end_ = 0;
  pending_.clear();
  for (std::size_t at = begin; at < text_.size();) {
    switch (text_[at]) {
      case '"':
        at = behind_string(text_, at);
        continue;
      case '{':
      case '[':
        pending_.push_back(ends_.size());
        ends_.push_back(text_.size());
        break;
      case '}':
      case ']':
        ends_[pending_.back()] = at + 1;
        pending_.pop_back();
        if (pending_.empty()) return;
        break;
      default:
        break;
    }
    ++at;
  }
}

}  // namespace jcn
