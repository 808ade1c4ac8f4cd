#include "segment_model.h"

#include "jcn/canonical.h"
#include "jcn/field.h"
#include "jcn/time_text.h"
#include "property.h"
#include "text.h"
#include "value_key.h"

using jcn::JsonType;
using jcn::KeyType;

void KindModel::add(std::optional<std::string_view> document, std::int64_t created_ns,
                    std::int64_t updated_ns, std::optional<std::int64_t> since_ns) {
  tokens_.push_back(0);
  if (document) {
    add_key("_created", jcn::marker_key(KeyType::present));
    add_key("_created", jcn::string_key(jcn::rfc3339(created_ns)));
    add_key("_updated", jcn::marker_key(KeyType::present));
    add_key("_updated", jcn::string_key(jcn::rfc3339(updated_ns)));
    if (since_ns) {
      add_key("_since", jcn::marker_key(KeyType::present));
      add_key("_since", jcn::string_key(jcn::rfc3339(*since_ns)));
    }
    add_members("", *document);
  }
  ++places_;
}

void KindModel::add_key(const std::string& path, std::string key) {
  Places& places = fields_[path][std::move(key)];
  if (places.empty() || places.back() != places_) places.push_back(places_);
}

void KindModel::add_members(const std::string& path, std::string_view object) {
  for (jcn::JsonCursor cursor(object); cursor.next();) {
    std::string member = path;
    jcn::append_field_step(member, jcn::json_unquote(cursor.name()));
    add_value(member, cursor.value());
  }
}

void KindModel::add_value(const std::string& path, std::string_view value) {
  add_key(path, jcn::marker_key(KeyType::present));
  switch (jcn::json_type(value)) {
    case JsonType::object:
      add_key(path, jcn::marker_key(KeyType::object));
      return add_members(path, value);
    case JsonType::array:
      add_key(path, jcn::marker_key(KeyType::array));
      for (jcn::JsonCursor cursor(value); cursor.next();) {
        if (jcn::json_type(cursor.value()) <= JsonType::string) {
          add_scalar(path, cursor.value());
        } else {
          add_value(path + '/' + std::string(jcn::array_step), cursor.value());
        }
      }
      return;
    default:
      return add_scalar(path, value);
  }
}

void KindModel::add_scalar(const std::string& path, std::string_view scalar) {
  add_key(path, jcn::value_key(scalar));
  if (jcn::json_type(scalar) != JsonType::string) return;
  const std::string text = jcn::json_unquote(scalar);
  for (jcn::Tokens found(text); found.next();) {
    ++words_[std::string(found.token())][places_][path];
    ++tokens_.back();
  }
}

void KindModel::compare(const jcn::SegmentSearch& search, const jcn::SegmentKind& kind) const {
  const jcn::SearchOutline& outline = search.outline();
  PROPERTY(kind.end - kind.first == places_);
  PROPERTY(kind.end_field - kind.first_field == fields_.size() + !words_.empty());
  std::uint64_t tokens = 0;
  for (const std::uint32_t count : tokens_) tokens += count;
  PROPERTY(kind.tokens == tokens);
  for (const auto& [path, keys] : fields_) {
    const jcn::SegmentField* field = outline.field(kind, path);
    PROPERTY(field);
    compare_field(search, *field, keys);
  }
  const jcn::SegmentField* text = outline.field(kind, jcn::text_field);
  PROPERTY(!text == words_.empty());
  if (text) compare_words(search, *text);
}

void KindModel::compare_field(const jcn::SegmentSearch& search, const jcn::SegmentField& field,
                              const std::map<std::string, Places>& keys) const {
  PROPERTY(field.end_value - field.first_value == keys.size());
  jcn::DictionaryCursor cursor = search.dictionary(field);
  std::vector<std::vector<std::uint32_t>> ordinals(places_);
  std::uint32_t ordinal = 0;
  bool many = false;
  for (const auto& [key, places] : keys) {
    const auto more = cursor.next();
    PROPERTY(more.ok() && *more && cursor.key() == key && cursor.entry().ordinal == ordinal);
    PROPERTY(cursor.entry().documents == places.size());
    const auto found = search.find(field, key);
    PROPERTY(found.ok() && *found && (*found)->ordinal == ordinal);
    jcn::PlaceSet set(places_);
    PROPERTY(search.add_places(field, cursor.entry(), set).ok());
    Places read;
    set.for_each([&](std::uint32_t place) { read.push_back(place); });
    PROPERTY(read == places);
    for (const std::uint32_t place : places) {
      if (jcn::key_type(key) < KeyType::null) continue;
      many = many || !ordinals[place].empty();
      ordinals[place].push_back(ordinal);
    }
    ++ordinal;
  }
  PROPERTY(!*cursor.next() && field.many == many);
  const auto column = search.column(field, 0);
  PROPERTY(column.ok());
  for (std::uint32_t place = 0; place < places_; ++place) {
    std::vector<std::uint32_t> read;
    column->for_each(place, [&](std::uint32_t one) { read.push_back(one); });
    PROPERTY(read == ordinals[place]);
  }
}

void KindModel::compare_words(const jcn::SegmentSearch& search,
                              const jcn::SegmentField& field) const {
  const jcn::SearchOutline& outline = search.outline();
  jcn::DictionaryCursor cursor = search.dictionary(field);
  for (const auto& [token, places] : words_) {
    const auto more = cursor.next();
    PROPERTY(more.ok() && *more && cursor.key() == token);
    PROPERTY(cursor.entry().documents == places.size());
    const auto bytes = search.postings(cursor.entry());
    PROPERTY(bytes.ok());
    jcn::PostingReader reader(*bytes, places_, true);
    for (const auto& [place, uses] : places) {
      PROPERTY(reader.next() && reader.place() == place);
      PROPERTY(reader.payload() < outline.uses.size());
      std::map<std::string, std::uint32_t> found;
      for (const jcn::WordUse& use : outline.uses[reader.payload()]) {
        found[outline.fields[use.field].path] = use.count;
      }
      PROPERTY(found == uses);
    }
    PROPERTY(!reader.next() && reader.ok());
  }
  PROPERTY(!*cursor.next());
  const auto lengths = search.column(field, 0);
  PROPERTY(lengths.ok());
  for (std::uint32_t place = 0; place < places_; ++place) {
    PROPERTY(std::max<std::int64_t>(lengths->smallest(place), 0) == tokens_[place]);
  }
}
