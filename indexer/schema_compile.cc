#include "schema_compile.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "jcn/canonical.h"
#include "json_pointer.h"
#include "schema_keywords.h"
#include "source_place.h"
#include "uri.h"

namespace jcn {
namespace {

constexpr std::size_t max_uri_bytes = 2000;

// The draft that $schema names; absent: none that is understood.
std::optional<SchemaDraft> draft_of(std::string_view uri) {
  if (uri.ends_with('#')) uri.remove_suffix(1);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (uri.starts_with(scheme)) uri.remove_prefix(scheme.size());
  }
  if (uri == "json-schema.org/draft-04/schema") return SchemaDraft::four;
  if (uri == "json-schema.org/draft-06/schema") return SchemaDraft::six;
  if (uri == "json-schema.org/draft-07/schema" || uri == "json-schema.org/schema")
    return SchemaDraft::seven;
  return std::nullopt;
}

class Compiler final : public SchemaScope {
 public:
  explicit Compiler(std::string canonical) : program_(std::make_unique<SchemaProgram>()) {
    program_->text = std::move(canonical);
  }

  std::variant<std::unique_ptr<const SchemaProgram>, SchemaFault> compile() {
    if (auto done = compile_all(); !done) {
      return SchemaFault{fault_at_, pointer_at(program_->text, fault_at_),
                         std::move(done).error().message};
    }
    return std::unique_ptr<const SchemaProgram>(std::move(program_));
  }

 private:
  // A value of the schema that is a schema itself.
  struct Place {
    std::string_view value;
    std::size_t base = 0;  // in bases_
  };
  struct Reference {
    NodeId node;             // the one that has it as its only step
    std::string_view value;  // quoted
    std::size_t base;
  };

  SchemaDraft draft() const override { return draft_; }

  Error wrong(std::string_view value, std::string message) override {
    fault_at_ = offset(value);
    return {Code::bad_schema, std::move(message)};
  }

  NodeId node(std::string_view value) override { return node_at(value, base_); }

  Result<std::shared_ptr<const SchemaPattern>> pattern(std::string_view quoted,
                                                       std::string_view at) override {
    std::shared_ptr<const SchemaPattern>& known = patterns_[quoted];
    if (known) return known;
    if (patterns_.size() > max_patterns)
      return wrong(at, "more than " + std::to_string(max_patterns) + " different patterns");
    auto compiled = SchemaPattern::compile(json_unquote(quoted));
    if (!compiled) return wrong(at, compiled.error().message);
    known = std::make_shared<const SchemaPattern>(std::move(*compiled));
    return known;
  }

  std::size_t offset(std::string_view value) const override {
    return static_cast<std::size_t>(value.data() - program_->text.data());
  }

  NodeId node_at(std::string_view value, std::size_t base) {
    const auto [known, fresh] = nodes_.emplace(value.data(), static_cast<NodeId>(places_.size()));
    if (fresh) {
      places_.push_back({value, base});
      program_->nodes.emplace_back();
    }
    return known->second;
  }

  Result<void> compile_all() {
    const std::string_view whole = program_->text;
    if (const auto schema = json_member(whole, "$schema")) {
      const auto draft = draft_of(json_unquote(*schema));
      if (json_type(*schema) != JsonType::string || !draft)
        return wrong(*schema, "$schema names no draft that is understood: 4, 6 and 7 are");
      draft_ = *draft;
    }
    resources_[""] = node_at(whole, 0);
    // References may lead to places that no keyword calls a schema; those may hold references.
    for (std::size_t compiled = 0, resolved = 0;
         compiled < places_.size() || resolved < references_.size();) {
      if (compiled < places_.size()) {
        JCN_CHECK(compile_node(static_cast<NodeId>(compiled++)));
      } else {
        JCN_CHECK(resolve(references_[resolved++]));
      }
    }
    return find_loops();
  }

  Result<void> compile_node(NodeId id) {
    const std::string_view value = places_[id].value;
    base_ = places_[id].base;
    const auto reference = json_member(value, "$ref");
    if (!reference) JCN_CHECK(enter_scope(id));
    JCN_TRY(std::vector<SchemaStep> steps, schema_steps(value, *this));
    if (reference) {
      // Until draft 7 a $ref makes its siblings void; those that hold schemas can be referred to.
      if (json_type(*reference) != JsonType::string)
        return wrong(*reference, "$ref must be a string");
      references_.push_back({id, *reference, base_});
      return {};
    }
    program_->nodes[id].steps = std::move(steps);
    return {};
  }

  // $id: a name for this place, and what references beneath it are relative to.
  Result<void> enter_scope(NodeId id) {
    const auto member = json_member(places_[id].value, draft_ == SchemaDraft::four ? "id" : "$id");
    if (!member) return {};
    if (json_type(*member) != JsonType::string) return wrong(*member, "an id must be a string");
    const std::string text = json_unquote(*member);
    const UriParts parts = split_uri(text);
    if (!parts.document.empty()) {
      std::string base = resolve_uri(bases_[base_], parts.document);
      if (base.size() > max_uri_bytes)
        return wrong(*member, "an id may have at most 2000 bytes, its bases included");
      base_ = places_[id].base = bases_.size();
      bases_.push_back(std::move(base));
      JCN_CHECK(name(bases_[base_], id, *member));
    }
    if (!parts.fragment || parts.fragment->empty()) return {};
    return name(bases_[base_] + "#" + std::string(*parts.fragment), id, *member);
  }

  Result<void> name(const std::string& uri, NodeId id, std::string_view member) {
    const auto [known, fresh] = resources_.emplace(uri, id);
    if (!fresh && known->second != id) return wrong(member, "another place has this id");
    return {};
  }

  Result<void> resolve(const Reference reference) {
    const std::string text = json_unquote(reference.value);
    const UriParts parts = split_uri(text);
    const std::string& base = bases_[reference.base];
    const std::string document = parts.document.empty() ? base : resolve_uri(base, parts.document);
    const auto resource = resources_.find(document);
    if (resource == resources_.end()) {
      return wrong(reference.value, "the reference leads out of this schema, to " + document +
                                        "; nothing is fetched");
    }
    const auto fragment = decode_fragment(parts.fragment.value_or(""));
    if (!fragment) return wrong(reference.value, "the reference has a malformed escape");
    NodeId target = resource->second;
    if (!fragment->empty() && fragment->front() != '/') {
      const auto named = resources_.find(document + "#" + *fragment);
      if (named == resources_.end())
        return wrong(reference.value, "no place of this schema has the id #" + *fragment);
      target = named->second;
    } else if (!fragment->empty()) {
      JCN_TRY(target, follow(reference.value, resource->second, *fragment));
    }
    program_->nodes[reference.node].steps = {{offset(reference.value), schema::All{{target}}}};
    return {};
  }

  // Bases change on the way, where there are ids.
  Result<NodeId> follow(std::string_view at, NodeId from, const std::string& pointer) {
    const auto tokens = split_pointer(pointer);
    if (!tokens) return wrong(at, "the reference is no JSON Pointer");
    std::string_view value = places_[from].value;
    std::size_t base = places_[from].base;
    for (const std::string& token : *tokens) {
      const auto& children = children_of(value);
      const auto next = children.find(token);
      if (next == children.end()) return wrong(at, "the reference leads nowhere");
      value = next->second;
      if (const auto known = nodes_.find(value.data()); known != nodes_.end())
        base = places_[known->second].base;
    }
    return node_at(value, base);
  }

  // By name or index. Kept: many references lead through one object of definitions.
  const std::unordered_map<std::string, std::string_view>& children_of(std::string_view value) {
    const auto [known, fresh] = children_.try_emplace(value.data());
    if (fresh) {
      const bool object = json_type(value) == JsonType::object;
      std::size_t index = 0;
      for (JsonCursor cursor(value); cursor.next(); ++index)
        known->second[object ? json_unquote(cursor.name()) : std::to_string(index)] =
            cursor.value();
    }
    return known->second;
  }

  // Nodes that ask about the same value.
  void in_place(NodeId id, std::vector<NodeId>& out) const {
    for (const SchemaStep& step : program_->nodes[id].steps) {
      if (const auto* all = std::get_if<schema::All>(&step.what)) {
        out.insert(out.end(), all->nodes.begin(), all->nodes.end());
      } else if (const auto* any = std::get_if<schema::Any>(&step.what)) {
        out.insert(out.end(), any->nodes.begin(), any->nodes.end());
      } else if (const auto* negated = std::get_if<schema::Not>(&step.what)) {
        out.push_back(negated->node);
      } else if (const auto* choice = std::get_if<schema::If>(&step.what)) {
        for (const NodeId node : {choice->condition, choice->then, choice->otherwise}) {
          if (node != no_node) out.push_back(node);
        }
      } else if (const auto* dependencies = std::get_if<schema::Dependencies>(&step.what)) {
        for (const auto& [name, node] : dependencies->nodes) out.push_back(node);
      }
    }
  }

  // Depth first, over edges that stay at the same value: invariant 2 of Schema.
  Result<void> find_loops() {
    enum class Mark : std::uint8_t { unseen, open, done };
    std::vector<Mark> marks(places_.size(), Mark::unseen);
    struct Visit {
      NodeId node;
      std::vector<NodeId> edges;
    };
    std::vector<Visit> path;
    const auto enter = [&](NodeId node) {
      marks[node] = Mark::open;
      in_place(node, path.emplace_back(Visit{node, {}}).edges);
    };
    for (NodeId start = 0; start < places_.size(); ++start) {
      if (marks[start] == Mark::unseen) enter(start);
      while (!path.empty()) {
        if (path.back().edges.empty()) {
          marks[path.back().node] = Mark::done;
          path.pop_back();
          continue;
        }
        const NodeId next = path.back().edges.back();
        path.back().edges.pop_back();
        if (marks[next] == Mark::open) {
          return wrong(places_[next].value,
                       "this schema refers to itself without going deeper into the document");
        }
        if (marks[next] == Mark::unseen) enter(next);
      }
    }
    return {};
  }

  std::unique_ptr<SchemaProgram> program_;
  SchemaDraft draft_ = SchemaDraft::seven;
  std::vector<Place> places_;                      // by node
  std::unordered_map<const char*, NodeId> nodes_;  // by where their values begin
  std::unordered_map<const char*, std::unordered_map<std::string, std::string_view>> children_;
  std::vector<std::string> bases_ = {""};
  std::size_t base_ = 0;                     // of the node under way
  std::map<std::string, NodeId> resources_;  // by URI, with fragments that are no pointers
  std::vector<Reference> references_;
  std::unordered_map<std::string_view, std::shared_ptr<const SchemaPattern>> patterns_;
  std::size_t fault_at_ = 0;
};

}  // namespace

std::variant<std::unique_ptr<const SchemaProgram>, SchemaFault> compile_schema(
    std::string canonical) {
  return Compiler(std::move(canonical)).compile();
}

}  // namespace jcn
