#include "config_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "config_table.h"
#include "jcn/check.h"
#include "jcn/field.h"
#include "jcn/file_descriptor.h"
#include "jcn/schema.h"
#include "reserved_words.h"

namespace jcn {
namespace {

constexpr std::uint64_t max_file_bytes = 16 << 20;

// The whole of a file, which may be a pipe. Errors: "FILE: why".
Result<std::string> read_text_file(const std::string& path, std::uint64_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string bytes;
  char block[4096];
  for (;;) {
    const ssize_t got = file ? ::read(file.get(), block, sizeof block) : -1;
    if (got == 0) return bytes;
    if (got > 0) {
      bytes.append(block, static_cast<std::size_t>(got));
      if (bytes.size() > max_bytes) {
        return Error{Code::bad_configuration,
                     path + ": larger than " + std::to_string(max_bytes) + " bytes"};
      }
    } else if (!file || errno != EINTR) {
      return Error{Code::bad_configuration, path + ": " + std::strerror(errno)};
    }
  }
}

// One reading of one file: where it is, for messages and relative paths.
class File {
 public:
  File(const std::string& path, DaemonConfig& config, Origins& origins)
      : path_(path), config_(config), origins_(origins) {}

  Result<void> load() {
    auto bytes = read_text_file(path_, max_file_bytes);
    if (!bytes) {
      return Error{Code::bad_configuration, bytes.error().message,
                   "give a readable file with --config"};
    }
    const toml::parse_result parsed = toml::parse(*bytes, path_);
    if (!parsed) {
      return at(parsed.error().source(), std::string(parsed.error().description()));
    }
    JCN_CHECK(take_options("", parsed.table()));
    JCN_CHECK(take_rules(parsed.table()));
    return {};
  }

 private:
  std::string line_of(const toml::node& node) const {
    return path_ + ":" + std::to_string(node.source().begin.line);
  }

  Error at(const toml::source_region& where, const std::string& message,
           std::string hint = {}) const {
    return Error{Code::bad_configuration,
                 path_ + ":" + std::to_string(where.begin.line) + ":" +
                     std::to_string(where.begin.column) + ": " + message,
                 std::move(hint)};
  }

  Error unknown(std::string_view section, const toml::key& key) const {
    std::vector<std::string_view> words;
    for (const OptionRow& row : option_table()) {
      if (row.section == section) words.push_back(row.key);
      if (section.empty() && !row.section.empty() &&
          std::find(words.begin(), words.end(), row.section) == words.end()) {
        words.push_back(row.section);
      }
    }
    std::string message = "unknown key \"" + std::string(key.str()) + "\"";
    if (!section.empty()) message += " in [" + std::string(section) + "]";
    const std::string_view near = nearest_word(key.str(), words);
    if (!near.empty())
      return at(key.source(), message, "did you mean \"" + std::string(near) + "\"?");
    std::string all = "known here:";
    for (const std::string_view word : words) all += " " + std::string(word);
    return at(key.source(), message, all);
  }

  // The node's value, when its type and range are the row's.
  Result<OptionValue> value_of(const OptionRow& row, const toml::node& node) const {
    const Error wrong =
        at(node.source(), "\"" + std::string(row.key) + "\" must be " + type_words(row));
    switch (row.type) {
      case OptionType::boolean:
        if (const auto* value = node.as_boolean()) return OptionValue(value->get());
        return wrong;
      case OptionType::integer:
        if (const auto* value = node.as_integer();
            value != nullptr && value->get() >= row.low && value->get() <= row.high) {
          return OptionValue(value->get());
        }
        return wrong;
      case OptionType::text:
        if (const auto* value = node.as_string()) return OptionValue(value->get());
        return wrong;
      case OptionType::path:
        if (const auto* value = node.as_string(); value != nullptr && !value->get().empty()) {
          std::error_code ignored;  // absolute() fails only without a current folder; then as it is
          const auto folder = std::filesystem::absolute(path_, ignored).parent_path();
          return OptionValue((folder / value->get()).string());
        }
        return wrong;
      case OptionType::texts: {
        std::vector<std::string> texts;
        if (const auto* value = node.as_string())
          texts.push_back(value->get());
        else if (const auto* array = node.as_array()) {
          for (const toml::node& element : *array) {
            const auto* text = element.as_string();
            if (text == nullptr) return wrong;
            texts.push_back(text->get());
          }
        } else {
          return wrong;
        }
        return OptionValue(std::move(texts));
      }
      case OptionType::weights:  // only checked here
        JCN_CHECK(weights_of(row, node));
        return OptionValue(true);
    }
    return wrong;
  }

  // Checks every member of a table; sets those whose row has a setter.
  Result<void> take_options(std::string_view section, const toml::table& table) {
    for (const auto& [key, node] : table) {
      if (section.empty() && is_section(key.str())) {
        JCN_CHECK(take_section(key, node));
        continue;
      }
      const OptionRow* row = find_option(section, key.str());
      if (row == nullptr) return unknown(section, key);
      JCN_TRY(const OptionValue value, value_of(*row, node));
      if (row->set == nullptr) {
        const auto* weights = row->type == OptionType::weights ? node.as_table() : nullptr;
        origins_.tables.back().members.push_back(
            {std::string(row->key), weights ? inline_text(*weights) : toml_text(value),
             line_of(node)});
        continue;
      }
      origins_.note(*row, line_of(node));
      if (auto done = row->set(config_, value); !done.ok()) {
        return at(node.source(), done.error().message, done.error().hint);
      }
    }
    return {};
  }

  Result<void> take_section(const toml::key& key, const toml::node& node) {
    const std::string name(key.str());
    if (!is_table_array(name)) {
      if (const toml::table* table = node.as_table()) return take_options(name, *table);
      return at(node.source(), "\"" + name + "\" must be a table", "write [" + name + "]");
    }
    const toml::array* array = node.as_array();
    if (array == nullptr ||
        !std::all_of(array->begin(), array->end(),
                     [](const toml::node& element) { return element.is_table(); })) {
      return at(node.source(), "\"" + name + "\" must be an array of tables",
                "write [[" + name + "]]");
    }
    for (const toml::node& element : *array) {
      origins_.tables.push_back({name, line_of(element), {}});
      JCN_CHECK(take_options(name, *element.as_table()));
    }
    return {};
  }

  // What stands in arrays of tables. Types and ranges have been checked before.
  Result<void> take_rules(const toml::table& top) {
    JCN_CHECK(take_roots(top));
    JCN_CHECK(take_tokens(top));
    JCN_CHECK(take_webhooks(top));
    if (const toml::array* kinds = top["kind"].as_array()) {
      for (const toml::node& node : *kinds) {
        const toml::table& table = *node.as_table();
        const toml::node* name = table.get("name");
        if (name == nullptr) return at(node.source(), "a [[kind]] needs a name");
        const std::string kind = name->value_or(std::string());
        JCN_CHECK(check_kind(kind, *name));
        if (!kinds_.insert(kind).second) {
          return at(name->source(), "kind \"" + kind + "\" is declared twice");
        }
        if (const toml::node* file = table.get("schema")) {
          JCN_TRY(config_.rules.schemas[kind].schema, take_schema(*file));
        }
        if (const toml::node* weights = table.get("search_weights")) {
          JCN_TRY(config_.rules.search_weights[kind],
                  weights_of(*find_option("kind", "search_weights"), *weights));
        }
        if (const toml::node* track = table.get("track")) {
          JCN_TRY(config_.rules.tracked[kind], pointer(track->value_or(std::string()), *track));
        }
        JCN_CHECK(take_scope(kind, table));
      }
    }
    if (const toml::array* rules = top["rule"].as_array()) {
      config_.rules.rules.clear();
      for (const toml::node& node : *rules) {
        JCN_TRY(Rule rule, take_rule(*node.as_table()));
        config_.rules.rules.push_back(std::move(rule));
      }
    }
    return {};
  }

  Result<void> take_roots(const toml::table& top) {
    const toml::array* roots = top["root"].as_array();
    if (roots == nullptr) return {};
    for (const toml::node& node : *roots) {
      const toml::table& table = *node.as_table();
      const toml::node* path = table.get("path");
      if (path == nullptr) return at(node.source(), "a [[root]] needs a path");
      RootConfig root;
      JCN_TRY(OptionValue absolute, value_of(*find_option("root", "path"), *path));
      root.path = std::get<std::string>(absolute);
      root.poll = table["poll"].value_or(false);
      if (const toml::node* name = table.get("name")) {
        root.name = name->value_or(std::string());
        root.named = true;
        if (!valid_root_name(root.name)) {
          return at(name->source(), "\"" + root.name + "\" is no name for a root",
                    "1 to 64 bytes without '/' and control characters, neither . nor ..");
        }
      }
      config_.roots.push_back(std::move(root));
    }
    return {};
  }

  Result<void> take_tokens(const toml::table& top) {
    const toml::array* tokens = top["token"].as_array();
    if (tokens == nullptr) return {};
    for (const toml::node& node : *tokens) {
      const toml::table& table = *node.as_table();
      const toml::node* file = table.get("file");
      if (file == nullptr) return at(node.source(), "a [[token]] needs a file");
      TokenConfig token;
      JCN_TRY(OptionValue absolute, value_of(*find_option("token", "file"), *file));
      token.file = std::get<std::string>(absolute);
      if (const toml::node* roots = table.get("roots")) {
        token.roots = texts(*roots);
        if (token.roots.empty())
          return at(roots->source(), "\"roots\" names no root", "leave it out for all of them");
      }
      if (const toml::node* access = table.get("access")) {
        const std::string word = access->value_or(std::string());
        if (word != "read" && word != "write")
          return at(access->source(), "\"access\" must be \"read\" or \"write\"");
        token.write = word == "write";
      }
      config_.tokens.push_back(std::move(token));
    }
    return {};
  }

  Result<void> take_webhooks(const toml::table& top) {
    const toml::array* webhooks = top["webhook"].as_array();
    if (webhooks == nullptr) return {};
    if (webhooks->size() > most_webhooks) {
      return at(webhooks->source(),
                "there are more than " + std::to_string(most_webhooks) + " webhooks");
    }
    std::set<std::string> names;
    for (const toml::node& node : *webhooks) {
      JCN_TRY(WebhookConfig webhook, take_webhook(node));
      if (!names.insert(webhook.name).second) {
        return at(node.as_table()->get("name")->source(),
                  "two webhooks are named \"" + webhook.name + "\"");
      }
      config_.webhooks.push_back(std::move(webhook));
    }
    return {};
  }

  Result<WebhookConfig> take_webhook(const toml::node& node) const {
    const toml::table& table = *node.as_table();
    for (const char* key : {"name", "url", "secret_file"}) {
      if (table.get(key) == nullptr)
        return at(node.source(), std::string("a [[webhook]] needs a ") + key);
    }
    WebhookConfig webhook;
    const auto take_text = [&](const char* key, std::string& into) {
      into = table[key].value_or(std::string());
    };
    const auto take_ms = [&](const char* key, std::chrono::milliseconds& into) {
      into = std::chrono::milliseconds(table[key].value_or(std::int64_t{into.count()}));
    };
    const auto take_path = [&](const char* key, std::string& into) -> Result<void> {
      const toml::node* path = table.get(key);
      if (path == nullptr) return {};
      JCN_TRY(OptionValue absolute, value_of(*find_option("webhook", key), *path));
      into = std::get<std::string>(absolute);
      return {};
    };
    take_text("name", webhook.name);
    if (!valid_webhook_name(webhook.name)) {
      return at(table.get("name")->source(), "\"" + webhook.name + "\" is no name for a webhook",
                "small letters, digits, '_' and '-', at most 64");
    }
    take_text("url", webhook.url);
    if (const auto sound = check_webhook_url(webhook.url); !sound)
      return at(table.get("url")->source(), sound.error().message, sound.error().hint);
    take_text("proxy", webhook.proxy);
    JCN_CHECK(take_path("secret_file", webhook.secret_file));
    JCN_CHECK(take_path("ca_file", webhook.ca_file));
    take_ms("timeout_ms", webhook.timeout);
    take_ms("retry_first_ms", webhook.retry_first);
    take_ms("retry_longest_ms", webhook.retry_longest);
    webhook.batch = static_cast<std::uint64_t>(
        table["batch"].value_or(static_cast<std::int64_t>(webhook.batch)));
    webhook.include_docs = table["include_docs"].value_or(false);
    webhook.only_matching = table["only_matching"].value_or(false);
    if (const toml::node* kinds = table.get("kind")) {
      webhook.kinds = texts(*kinds);
      for (const std::string& kind : webhook.kinds) JCN_CHECK(check_kind(kind, *kinds));
      if (webhook.kinds.empty())
        return at(kinds->source(), "\"kind\" names no kind", "leave it out for all of them");
    }
    take_text("filter", webhook.filter);
    if (const auto asked = webhook_feed(webhook); !asked) {
      const toml::node* filter = table.get("filter");
      return at((filter ? *filter : node).source(), asked.error().message, asked.error().hint);
    }
    if (auto secret = read_webhook_secret(webhook.secret_file)) {
      webhook.secret = std::move(*secret);
    } else {
      return at(table.get("secret_file")->source(), secret.error().message, secret.error().hint);
    }
    return webhook;
  }

  Result<SearchWeights> weights_of(const OptionRow& row, const toml::node& node) const {
    const Error wrong =
        at(node.source(), "\"" + std::string(row.key) + "\" must be " + type_words(row));
    const auto* table = node.as_table();
    if (table == nullptr) return wrong;
    SearchWeights weights;
    for (const auto& [name, weight] : *table) {
      const auto number = weight.value<double>();
      if (!number || !(*number >= 0 && *number <= largest_weight)) return wrong;
      const auto field = parse_field(name.str());
      if (!field) return at(node.source(), field.error().message, field.error().hint);
      weights[field->path] = *number;
    }
    return weights;
  }

  // Of weights_of's table.
  static std::string inline_text(const toml::table& weights) {
    std::string out;
    for (const auto& [name, weight] : weights) {
      std::array<char, 32> number;
      const auto end =
          std::to_chars(number.data(), number.data() + number.size(), weight.value_or(0.0)).ptr;
      out += (out.empty() ? "{ " : ", ") + toml_string(name.str()) + " = ";
      out.append(number.data(), end);
    }
    return out.empty() ? "{}" : out + " }";
  }

  Result<void> take_scope(const std::string& kind, const toml::table& table) {
    SearchScope scope;
    const toml::node* fields = table.get("search_fields");
    if (fields != nullptr) {
      JCN_TRY(scope.fields, fields_of(*fields));
      if (scope.fields.empty()) {
        return at(fields->source(), "\"search_fields\" names no field",
                  "leave it out to search them all");
      }
    }
    if (const toml::node* exclude = table.get("search_exclude")) {
      JCN_TRY(scope.excluded, fields_of(*exclude));
      for (const std::string& field : scope.fields) {
        if (scope.covers(field)) continue;
        return at(exclude->source(), "\"search_exclude\" leaves nothing of " + field +
                                         ", which \"search_fields\" names");
      }
    }
    if (!scope.everything()) config_.rules.search_scopes[kind] = std::move(scope);
    return {};
  }

  Result<std::set<std::string>> fields_of(const toml::node& node) const {
    std::set<std::string> paths;
    for (const std::string& name : texts(node)) {
      const auto field = parse_field(name);
      if (!field) return at(node.source(), field.error().message, field.error().hint);
      if (field->kind != Field::Kind::member) {
        return at(node.source(), "\"" + name + "\" is no member of a record, and has no words");
      }
      paths.insert(field->path);
    }
    return paths;
  }

  Result<std::shared_ptr<const Schema>> take_schema(const toml::node& node) const {
    JCN_TRY(const OptionValue value, value_of(*find_option("kind", "schema"), node));
    const std::string& path = std::get<std::string>(value);
    auto bytes = read_text_file(path, Schema::max_bytes);
    if (!bytes) return at(node.source(), "schema " + bytes.error().message, bytes.error().hint);
    auto compiled = Schema::compile(*bytes);
    if (const auto* reject = std::get_if<Reject>(&compiled)) {
      std::string place = path;
      if (reject->line)
        place += ":" + std::to_string(*reject->line) + ":" + std::to_string(*reject->column);
      const std::string pointer = reject->pointer.value_or("");
      return at(node.source(), "schema " + place + ": " + (pointer.empty() ? "" : pointer + ": ") +
                                   reject->message);
    }
    return std::get<std::shared_ptr<const Schema>>(compiled);
  }

  Result<void> check_kind(const std::string& kind, const toml::node& node) const {
    if (!valid_kind(kind)) {
      return at(node.source(), "\"" + kind + "\" is no name for a kind",
                "small letters, digits, '_' and '-', a letter first");
    }
    if (reserved_kind(kind)) {
      return at(node.source(), "\"" + kind + "\" can't be a kind: /v1/" + kind + " is reserved");
    }
    return {};
  }

  Result<std::string> pointer(const std::string& text, const toml::node& node) const {
    bool well_formed = !text.empty() && text.front() == '/';
    for (std::size_t i = 0; well_formed && i < text.size(); ++i) {
      if (text[i] != '~') continue;
      well_formed = i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
    }
    if (well_formed) return text;
    return at(node.source(), "\"" + text + "\" is no JSON Pointer",
              "it begins with '/', as in \"/stats/views\"; ~ is written ~0 and / within a name ~1");
  }

  std::vector<std::string> texts(const toml::node& node) const {
    if (const auto* text = node.as_string()) return {text->get()};
    std::vector<std::string> all;
    for (const toml::node& element : *node.as_array())
      all.push_back(element.value_or(std::string()));
    return all;
  }

  Result<Rule> take_rule(const toml::table& table) const {
    Rule rule;
    if (const toml::node* kind = table.get("kind")) {
      rule.kind = kind->value_or(std::string());
      JCN_CHECK(check_kind(rule.kind, *kind));
      if (!kinds_.empty() && !kinds_.contains(rule.kind)) {
        const std::vector<std::string_view> known(kinds_.begin(), kinds_.end());
        const std::string_view near = nearest_word(rule.kind, known);
        return at(kind->source(), "kind \"" + rule.kind + "\" is not among the declared ones",
                  near.empty() ? "declare it with [[kind]]"
                               : "did you mean \"" + std::string(near) + "\"?");
      }
    }
    rule.root = table["root"].value_or(std::string());
    rule.match = table["match"].value_or(rule.match);
    if (rule.match.empty() || rule.match.front() == '/') {
      return at(table.get("match")->source(),
                "\"" + rule.match + "\" is no glob on a relative path",
                "for example \"talks/**/*.json\"");
    }
    rule.rank = static_cast<std::int32_t>(table["rank"].value_or(std::int64_t{0}));
    rule.anchor = table["anchor"].value_or(false);
    if (const toml::node* null = table.get("null")) {
      const std::string word = null->value_or(std::string());
      if (word != "ignore" && word != "delete") {
        return at(null->source(), "\"null\" must be \"ignore\" or \"delete\"");
      }
      rule.ignore_nulls = word == "ignore";
    }
    if (const toml::node* order = table.get("order_by")) {
      JCN_TRY(rule.order_by, pointer(order->value_or(std::string()), *order));
    }
    if (const toml::node* id = table.get("id")) {
      rule.id.clear();
      for (const std::string& source : texts(*id)) {
        if (source == "stem") {
          rule.id.push_back({IdSource::Kind::stem, {}});
        } else if (source == "path") {
          rule.id.push_back({IdSource::Kind::path, {}});
        } else if (!source.empty() && source.front() == '/') {
          JCN_TRY(std::string text, pointer(source, *id));
          rule.id.push_back({IdSource::Kind::pointer, std::move(text)});
        } else {
          return at(id->source(), "\"" + source + "\" is no source of an id",
                    "a JSON Pointer such as \"/id\", \"stem\" or \"path\"");
        }
      }
      if (rule.id.empty()) return at(id->source(), "\"id\" names no source");
    }
    JCN_CHECK(take_strategies(table, rule));
    return rule;
  }

  Result<void> take_strategies(const toml::table& table, Rule& rule) const {
    static constexpr std::pair<const char*, MergeStrategy::Kind> names[] = {
        {"union", MergeStrategy::Kind::union_of},
        {"min", MergeStrategy::Kind::min},
        {"max", MergeStrategy::Kind::max}};
    for (const auto& [name, kind] : names) {
      const toml::node* node = table.get(name);
      if (node == nullptr) continue;
      for (const std::string& text : texts(*node)) {
        JCN_TRY(std::string where, pointer(text, *node));
        for (const MergeStrategy& other : rule.merge) {
          if (other.pointer == where) {
            return at(node->source(), "\"" + where + "\" has two merge strategies in one rule");
          }
        }
        rule.merge.push_back({kind, std::move(where)});
      }
    }
    return {};
  }

  const std::string path_;
  DaemonConfig& config_;
  Origins& origins_;
  std::set<std::string> kinds_;  // declared; empty: any
};

}  // namespace

Result<void> load_config_file(const std::string& path, DaemonConfig& config, Origins& origins) {
  return File(path, config, origins).load();
}

}  // namespace jcn
