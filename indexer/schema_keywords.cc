#include "schema_keywords.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "jcn/canonical.h"

namespace jcn {
namespace {

class Keywords {
 public:
  Keywords(std::string_view value, SchemaScope& scope) : value_(value), scope_(scope) {
    for (JsonCursor cursor(value); cursor.next();) keywords_[cursor.name()] = cursor.value();
  }

  Result<std::vector<SchemaStep>> steps() {
    JCN_CHECK(read());
    return std::move(steps_);
  }

 private:
  using Value = std::string_view;

  Result<void> read() {
    // Draft 4 has them only as additionalItems and additionalProperties: they do no harm elsewhere.
    if (json_type(value_) == JsonType::boolean) {
      if (value_ == "false") add(value_, schema::Nothing{});
      return {};
    }
    if (json_type(value_) != JsonType::object)
      return scope_.wrong(value_, "a schema must be an object, true or false");
    JCN_CHECK(value_itself());
    JCN_CHECK(number());
    JCN_CHECK(sizes());
    JCN_CHECK(required());
    JCN_CHECK(members());
    JCN_CHECK(elements());
    JCN_CHECK(combinations());
    return definitions();
  }

  std::optional<Value> find(std::string_view keyword, SchemaDraft since = SchemaDraft::four) const {
    if (scope_.draft() < since) return std::nullopt;
    const auto found = keywords_.find('"' + std::string(keyword) + '"');
    return found == keywords_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(Value at, schema::What what) { steps_.push_back({scope_.offset(at), std::move(what)}); }
  Error wrong(Value at, std::string_view keyword, std::string_view wanted) {
    return scope_.wrong(at, std::string(keyword) + " must be " + std::string(wanted));
  }

  // A member of one type, when it is there.
  Result<std::optional<Value>> typed(std::string_view keyword, JsonType type,
                                     std::string_view wanted,
                                     SchemaDraft since = SchemaDraft::four) {
    const auto value = find(keyword, since);
    if (value && json_type(*value) != type) return wrong(*value, keyword, wanted);
    return value;
  }

  Result<std::vector<NodeId>> nodes(Value array) {
    std::vector<NodeId> all;
    for (JsonCursor cursor(array); cursor.next();) all.push_back(scope_.node(cursor.value()));
    return all;
  }

  Result<std::vector<Value>> names(Value array, std::string_view keyword) {
    std::vector<Value> all;
    for (JsonCursor cursor(array); cursor.next();) {
      if (json_type(cursor.value()) != JsonType::string)
        return wrong(cursor.value(), keyword, "an array of names");
      all.push_back(cursor.value());
    }
    return all;
  }

  Result<void> value_itself() {
    if (const auto type = find("type")) {
      schema::TypeOf wanted;
      wanted.integer_as_text = scope_.draft() == SchemaDraft::four;
      if (json_type(*type) == JsonType::array) {
        for (JsonCursor cursor(*type); cursor.next();) JCN_CHECK(add_type(cursor.value(), wanted));
      } else {
        JCN_CHECK(add_type(*type, wanted));
      }
      if (wanted.types == 0 && !wanted.integer)
        return wrong(*type, "type", "the name of a type, or an array of at least one");
      constexpr auto number = static_cast<unsigned>(JsonType::number);
      if (wanted.types >> number & 1) wanted.integer = false;  // every integer is a number
      add(*type, wanted);
    }
    if (const auto constant = find("const", SchemaDraft::six))
      add(*constant, schema::Values{{*constant}, true});
    JCN_TRY(const auto values, typed("enum", JsonType::array, "an array"));
    if (values) {
      schema::Values wanted;
      for (JsonCursor cursor(*values); cursor.next();) wanted.sorted.push_back(cursor.value());
      std::sort(wanted.sorted.begin(), wanted.sorted.end(),
                [](Value a, Value b) { return compare_values(a, b) < 0; });
      add(*values, std::move(wanted));
    }
    return {};
  }

  Result<void> add_type(Value name, schema::TypeOf& wanted) {
    static constexpr std::string_view type_names[] = {"\"null\"",   "\"boolean\"", "\"number\"",
                                                      "\"string\"", "\"array\"",   "\"object\""};
    if (name == "\"integer\"") {
      wanted.integer = true;
      return {};
    }
    const auto* found = std::find(std::begin(type_names), std::end(type_names), name);
    if (found == std::end(type_names)) {
      return wrong(name, "type",
                   "null, boolean, integer, number, string, array or object, in quotes, or an "
                   "array of those");
    }
    wanted.types = static_cast<std::uint8_t>(wanted.types | 1U << (found - type_names));
    return {};
  }

  Result<void> number() {
    JCN_TRY(const auto multiple, typed("multipleOf", JsonType::number, "a number above 0"));
    if (multiple) {
      const auto divisor = read_divisor(*multiple);
      if (!divisor)
        return wrong(*multiple, "multipleOf", "above 0, with at most 18 significant digits");
      add(*multiple, schema::MultipleOf{*divisor, *multiple});
    }
    using Side = schema::Bound::Side;
    JCN_CHECK(bound(Side::minimum, "minimum", "exclusiveMinimum"));
    return bound(Side::maximum, "maximum", "exclusiveMaximum");
  }

  // In draft 4 the exclusive one is a flag.
  Result<void> bound(schema::Bound::Side side, std::string_view keyword,
                     std::string_view exclusive_keyword) {
    const bool flag = scope_.draft() == SchemaDraft::four;
    JCN_TRY(const auto limit, typed(keyword, JsonType::number, "a number"));
    JCN_TRY(const auto exclusive,
            typed(exclusive_keyword, flag ? JsonType::boolean : JsonType::number,
                  flag ? "true or false in draft 4" : "a number"));
    if (limit) add(*limit, schema::Bound{side, flag && exclusive == "true", *limit});
    if (exclusive && !flag) add(*exclusive, schema::Bound{side, true, *exclusive});
    return {};
  }

  Result<void> sizes() {
    using Of = schema::Count::Of;
    static constexpr struct {
      std::string_view keyword;
      Of of;
      bool at_least;
    } counts[] = {
        {"minLength", Of::characters, true},  {"maxLength", Of::characters, false},
        {"minItems", Of::elements, true},     {"maxItems", Of::elements, false},
        {"minProperties", Of::members, true}, {"maxProperties", Of::members, false},
    };
    for (const auto& count : counts) {
      const auto value = find(count.keyword);
      if (!value) continue;
      const auto limit = json_type(*value) == JsonType::number ? read_count(*value) : std::nullopt;
      if (!limit) return wrong(*value, count.keyword, "an integer of at least 0");
      add(*value, schema::Count{count.of, count.at_least, *limit});
    }
    JCN_TRY(const auto pattern, typed("pattern", JsonType::string, "a regular expression"));
    if (pattern) {
      JCN_TRY(auto compiled, scope_.pattern(*pattern, *pattern));
      add(*pattern, schema::Matches{std::move(compiled), *pattern});
    }
    JCN_TRY(const auto format, typed("format", JsonType::string, "a string"));
    if (format) {
      if (const FormatRow* row = find_format(json_unquote(*format)))
        add(*format, schema::Format{row});
    }
    JCN_TRY(const auto unique, typed("uniqueItems", JsonType::boolean, "true or false"));
    if (unique == "true") add(*unique, schema::Unique{});
    return {};
  }

  Result<void> required() {
    JCN_TRY(const auto required, typed("required", JsonType::array, "an array of names"));
    if (required) {
      schema::Required wanted;
      JCN_TRY(wanted.names, names(*required, "required"));
      std::sort(wanted.names.begin(), wanted.names.end());
      wanted.names.erase(std::unique(wanted.names.begin(), wanted.names.end()), wanted.names.end());
      for (std::uint32_t i = 0; i < wanted.names.size(); ++i) wanted.places[wanted.names[i]] = i;
      add(*required, std::move(wanted));
    }
    JCN_TRY(const auto dependencies, typed("dependencies", JsonType::object, "an object"));
    if (!dependencies) return {};
    schema::Dependencies wanted;
    for (JsonCursor cursor(*dependencies); cursor.next();) {
      if (json_type(cursor.value()) == JsonType::array) {
        JCN_TRY(wanted.names[cursor.name()], names(cursor.value(), "a dependency"));
      } else {
        wanted.nodes[cursor.name()] = scope_.node(cursor.value());
      }
    }
    add(*dependencies, std::move(wanted));
    return {};
  }

  NodeId rest(Value value) { return value == "true" ? no_node : scope_.node(value); }

  Result<void> members() {
    schema::Members wanted;
    std::optional<Value> at;
    JCN_TRY(const auto properties, typed("properties", JsonType::object, "an object of schemas"));
    if (properties) {
      at = properties;
      for (JsonCursor cursor(*properties); cursor.next();)
        wanted.named[cursor.name()] = scope_.node(cursor.value());
    }
    JCN_TRY(const auto patterns,
            typed("patternProperties", JsonType::object, "an object of schemas"));
    if (patterns) {
      at = patterns;
      for (JsonCursor cursor(*patterns); cursor.next();) {
        JCN_TRY(auto pattern, scope_.pattern(cursor.name(), cursor.value()));
        wanted.matching.emplace_back(std::move(pattern), scope_.node(cursor.value()));
      }
    }
    if (const auto additional = find("additionalProperties")) {
      at = additional;
      wanted.rest = rest(*additional);
    }
    if (at) add(*at, std::move(wanted));
    if (const auto member_names = find("propertyNames", SchemaDraft::six))
      add(*member_names, schema::Names{scope_.node(*member_names)});
    return {};
  }

  Result<void> elements() {
    const auto items = find("items");
    const auto additional = find("additionalItems");
    if (items && json_type(*items) == JsonType::array) {
      schema::Items wanted;
      JCN_TRY(wanted.first, nodes(*items));
      if (additional) wanted.rest = rest(*additional);
      add(*items, std::move(wanted));
    } else if (items) {
      add(*items, schema::Items{{}, scope_.node(*items)});
      // It says nothing then, but references may lead to it.
      if (additional) (void)rest(*additional);
    }
    if (const auto contains = find("contains", SchemaDraft::six))
      add(*contains, schema::Contains{scope_.node(*contains)});
    return {};
  }

  Result<void> combinations() {
    for (const std::string_view keyword : {"allOf", "anyOf", "oneOf"}) {
      JCN_TRY(const auto value, typed(keyword, JsonType::array, "an array of at least one schema"));
      if (!value) continue;
      JCN_TRY(std::vector<NodeId> all, nodes(*value));
      if (all.empty()) return wrong(*value, keyword, "an array of at least one schema");
      if (keyword == "allOf") {
        add(*value, schema::All{std::move(all)});
      } else {
        add(*value, schema::Any{std::move(all), keyword == "oneOf"});
      }
    }
    if (const auto negated = find("not")) add(*negated, schema::Not{scope_.node(*negated)});
    const auto condition = find("if", SchemaDraft::seven);
    schema::If choice{};
    if (const auto then = find("then", SchemaDraft::seven)) choice.then = scope_.node(*then);
    if (const auto otherwise = find("else", SchemaDraft::seven))
      choice.otherwise = scope_.node(*otherwise);
    if (condition) {
      choice.condition = scope_.node(*condition);
      add(*condition, choice);
    }
    return {};
  }

  Result<void> definitions() {
    JCN_TRY(const auto all, typed("definitions", JsonType::object, "an object of schemas"));
    if (!all) return {};
    for (JsonCursor cursor(*all); cursor.next();) (void)scope_.node(cursor.value());
    return {};
  }

  const Value value_;
  std::unordered_map<std::string_view, Value> keywords_;  // by quoted name
  SchemaScope& scope_;
  std::vector<SchemaStep> steps_;
};

}  // namespace

Result<std::vector<SchemaStep>> schema_steps(std::string_view value, SchemaScope& scope) {
  return Keywords(value, scope).steps();
}

}  // namespace jcn
