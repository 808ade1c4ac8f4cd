#include "phrase_search.h"

#include <algorithm>

#include "encoding.h"
#include "filter_places.h"
#include "jcn/canonical.h"
#include "match.h"

namespace jcn {
namespace {

// Beside a step, what a posting costs.
constexpr std::uint32_t postings_per_step = 16;

std::uint32_t count_in(std::string_view quoted, const SearchPhrase& words) {
  if (quoted.find('\\') != std::string_view::npos) {
    return count_phrase(json_unquote(quoted), words);
  }
  return count_phrase(quoted.substr(1, quoted.size() - 2), words);
}

std::uint64_t place_field(std::uint32_t place, std::uint32_t field) {
  return std::uint64_t{place} << 32 | field;
}
std::uint32_t place_of(std::uint64_t place_and_field) {
  return static_cast<std::uint32_t>(place_and_field >> 32);
}
std::uint32_t field_of(std::uint64_t place_and_field) {
  return static_cast<std::uint32_t>(place_and_field);
}

std::uint64_t documents(const std::vector<DictionaryEntry>& entries) {
  std::uint64_t sum = 0;
  for (const DictionaryEntry& entry : entries) sum += entry.documents;
  return sum;
}

}  // namespace

PhraseSearch::PartState& PhraseSearch::state(std::size_t part) {
  PartState& state = states_[part];
  if (state.ready) return state;
  const std::vector<SegmentField>& fields = parts_[part].search->outline().fields;
  state.weights.assign(fields.size(), 1);
  for (std::size_t i = 0; !weights_.empty() && i < fields.size(); ++i) {
    const auto weight = weights_.find(fields[i].path);
    if (weight != weights_.end()) state.weights[i] = weight->second;
  }
  state.covered.assign(fields.size(), true);
  state.scoped_weights = state.weights;
  for (std::size_t i = 0; !scope_.everything() && i < fields.size(); ++i) {
    if (scope_.covers(fields[i].path)) continue;
    state.covered[i] = false;
    state.scoped_weights[i] = 0;
  }
  state.fields.assign(fields.size(), FieldTable::root);
  state.ready = true;
  return state;
}

std::optional<std::uint32_t> PhraseSearch::field_number(const SearchPart& part,
                                                        const SearchedPhrase& phrase) {
  const SegmentField* field = part_field(part, phrase.field->path);
  if (!field) return std::nullopt;
  return part.search->outline().field_number(*field);
}

// visit(place, uses) for an entry of the text field.
template <class Visit>
Result<void> PhraseSearch::for_each_use(const SearchPart& part, const DictionaryEntry& entry,
                                        Visit&& visit) {
  JCN_CHECK(run_.step(1 + entry.documents / postings_per_step));
  const std::vector<WordUses>& uses = part.search->outline().uses;
  JCN_TRY(const std::string_view list, part.search->postings(entry));
  PostingReader reader(list, part.places(), true);
  while (reader.next()) {
    if (reader.payload() >= uses.size()) return damaged("a segment's word has unknown uses");
    visit(reader.place(), uses[reader.payload()]);
  }
  if (!reader.ok()) return damaged("a segment's posting list is malformed");
  return {};
}

Result<std::vector<DictionaryEntry>> PhraseSearch::entries_of(const SearchPart& part,
                                                              const std::string& token,
                                                              bool prefix) {
  std::vector<DictionaryEntry> entries;
  const SegmentField* text = part_field(part, text_field);
  if (!text) return entries;
  DictionaryCursor cursor = part.search->dictionary(*text);
  JCN_TRY(bool found, cursor.seek(token));
  while (found && (prefix ? cursor.key().starts_with(token) : cursor.key() == token)) {
    JCN_CHECK(run_.step());
    entries.push_back(cursor.entry());
    if (!prefix) break;
    JCN_TRY(found, cursor.next());
  }
  return entries;
}

Result<FoundPhrase> PhraseSearch::seek(std::size_t part, const SearchedPhrase& phrase,
                                       const PlaceSet& within) {
  FoundPhrase found;
  found.places = PlaceSet(parts_[part].places());
  // Computed fields have no words.
  if (phrase.field && phrase.field->kind != Field::Kind::member) return found;
  if (phrase.on_documents()) {
    JCN_CHECK(seek_on_documents(part, phrase, within, found));
  } else {
    JCN_CHECK(seek_word(part, phrase, found));
    found.places &= within;
  }
  return found;
}

Result<void> PhraseSearch::seek_word(std::size_t number, const SearchedPhrase& phrase,
                                     FoundPhrase& found) {
  const SearchPart& part = parts_[number];
  const bool anywhere = !phrase.field && scope_.everything();
  std::vector<bool> wanted;
  if (!anywhere) wanted = wanted_fields(number, phrase);
  if (phrase.field && wanted.empty()) return {};
  JCN_TRY(found.entries, entries_of(part, phrase.words.tokens.front(), phrase.words.prefix));
  for (const DictionaryEntry& entry : found.entries) {
    if (anywhere) {
      JCN_CHECK(run_.step(1 + entry.documents / postings_per_step));
      JCN_CHECK(part.search->add_places(*part_field(part, text_field), entry, found.places));
      continue;
    }
    JCN_CHECK(for_each_use(part, entry, [&](std::uint32_t place, const WordUses& uses) {
      const bool there = std::any_of(uses.begin(), uses.end(),
                                     [&](const WordUse& use) { return wanted[use.field]; });
      if (there) found.places.set(place);
    }));
  }
  return {};
}

// Empty: none that the part has. Elements that an index names are told apart on documents.
std::vector<bool> PhraseSearch::wanted_fields(std::size_t part, const SearchedPhrase& phrase) {
  if (!phrase.field) return state(part).covered;
  const std::size_t fields = parts_[part].search->outline().fields.size();
  if (phrase.field->may_index) return std::vector<bool>(fields, true);
  const auto number = field_number(parts_[part], phrase);
  std::vector<bool> wanted;
  if (!number) return wanted;
  wanted.assign(fields, false);
  wanted[*number] = true;
  return wanted;
}

// Leaves of `common` what is also true of a token, and of `possible` those places.
Result<void> PhraseSearch::narrow(const SearchPart& part,
                                  const std::vector<DictionaryEntry>& entries,
                                  const std::vector<bool>& wanted, PlaceSet& possible,
                                  PlaceFields& common, bool first) {
  PlaceFields of_token;
  for (const DictionaryEntry& entry : entries) {
    JCN_CHECK(for_each_use(part, entry, [&](std::uint32_t place, const WordUses& uses) {
      if (!possible.test(place)) return;
      for (const WordUse& use : uses) {
        if (wanted[use.field]) of_token.push_back(place_field(place, use.field));
      }
    }));
  }
  if (entries.size() > 1) {
    std::sort(of_token.begin(), of_token.end());
    of_token.erase(std::unique(of_token.begin(), of_token.end()), of_token.end());
  }
  if (!first) {
    const auto end = std::set_intersection(common.begin(), common.end(), of_token.begin(),
                                           of_token.end(), of_token.begin());
    of_token.erase(end, of_token.end());
  }
  common = std::move(of_token);
  possible = PlaceSet(part.places());
  for (const std::uint64_t pair : common) possible.set(place_of(pair));
  return {};
}

// Records with all tokens of the phrase, and the fields in which they have all of them.
Result<PhraseSearch::PlaceFields> PhraseSearch::common_fields(std::size_t number,
                                                              const SearchedPhrase& phrase,
                                                              const PlaceSet& within) {
  const SearchPart& part = parts_[number];
  const std::vector<bool> wanted = wanted_fields(number, phrase);
  if (wanted.empty()) return PlaceFields();
  const std::vector<std::string>& tokens = phrase.words.tokens;
  std::vector<std::vector<DictionaryEntry>> entries;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool prefix = phrase.words.prefix && i + 1 == tokens.size();
    JCN_TRY(auto of_token, entries_of(part, tokens[i], prefix));
    if (of_token.empty()) return PlaceFields();
    entries.push_back(std::move(of_token));
  }
  // The rarest token first.
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return documents(a) < documents(b); });
  PlaceFields common;
  PlaceSet possible = within;
  for (std::size_t i = 0; i < entries.size() && !possible.none(); ++i) {
    JCN_CHECK(narrow(part, entries[i], wanted, possible, common, i == 0));
  }
  return common;
}

Result<void> PhraseSearch::seek_on_documents(std::size_t part, const SearchedPhrase& phrase,
                                             const PlaceSet& within, FoundPhrase& found) {
  JCN_TRY(const PlaceFields common, common_fields(part, phrase, within));
  std::vector<std::uint32_t> fields;
  for (std::size_t i = 0; i < common.size(); ++i) {
    const std::uint32_t place = place_of(common[i]);
    fields.push_back(field_of(common[i]));
    if (i + 1 < common.size() && place_of(common[i + 1]) == place) continue;
    JCN_TRY(const auto weighted, count_on_document(part, phrase, place, fields));
    if (weighted) {
      found.places.set(place);
      found.counts.push_back({place, *weighted});
    }
    fields.clear();
  }
  return {};
}

// Absent: the phrase is not there.
Result<std::optional<double>> PhraseSearch::count_on_document(
    std::size_t part, const SearchedPhrase& phrase, std::uint32_t place,
    const std::vector<std::uint32_t>& fields) {
  JCN_TRY(const Record record, run_.record_at(parts_[part], place));
  std::optional<double> weighted;
  const auto add = [&](std::string_view string, double weight) {
    const std::uint32_t times = count_in(string, phrase.words);
    if (times > 0) weighted = weighted.value_or(0) + weight * times;
  };
  if (phrase.field && phrase.field->may_index) {
    const auto weight = weights_.find(phrase.field->path);
    const auto value = member_at(record.document, *phrase.field);
    if (!value) return weighted;
    for_each_scalar(*value, [&](std::string_view scalar) {
      if (json_type(scalar) == JsonType::string) {
        add(scalar, weight == weights_.end() ? 1 : weight->second);
      }
      return true;
    });
    return weighted;
  }
  PartState& state = this->state(part);
  for (const std::uint32_t number : fields) {
    FieldId& id = state.fields[number];
    if (id != FieldTable::root) continue;
    id = fields_.find_or_add(parts_[part].search->outline().fields[number].path);
  }
  extract(record.document, fields_, [&](const Finding& finding) {
    if (finding.type != JsonType::string) return;
    for (const std::uint32_t number : fields) {
      if (state.fields[number] == finding.field) add(finding.text, state.weights[number]);
    }
  });
  return weighted;
}

}  // namespace jcn
