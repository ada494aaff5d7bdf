#include <algorithm>

#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/journal/listing.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

constexpr std::uint64_t most_newest = 10'000;  // they are in memory at once; a walk forward is not
constexpr std::size_t rows_a_table = 256;

void add_row(Table& table, const journal::Entry& entry) {
  table.row(
      {std::to_string(entry.index), to_text(entry.at), printable(entry.by, 40), entry.kind, line_of(entry)});
}

// Prints entries as they come, so that a long log needs no more memory than a short one.
class Printer {
 public:
  Printer(Context& context, std::string format) : context_(context), format_(std::move(format)) {}

  void begin(std::uint64_t size) {
    if (format_ == "json")
      print(fmt::format(R"({{"schema":"tranche/journal-show/v1","size":{},"entries":[)", size));
    if (format_ == "csv") print(csv_header());
  }
  void entry(const journal::Entry& entry) {
    if (format_ == "json") print((count_ == 0 ? "" : ",") + doc::to_json(journal::to_value(entry)));
    if (format_ == "csv") print(csv_row(entry));
    if (format_ == "text") {
      add_row(table_, entry);
      if (++rows_ == rows_a_table) flush_table();
    }
    ++count_;
  }
  // What is left to show, in the way that run() asks for it.
  Outcome end() {
    if (format_ == "json") return context_.json ? Outcome{0, {}, {}, "]}"} : Outcome{0, {}, "]}\n"};
    if (rows_ > 0) flush_table();
    return Outcome{};
  }

 private:
  void print(std::string_view text) {
    context_.talk.clear();
    context_.world.console.out(text);
  }
  void flush_table() {
    print(table_.text());
    table_ = Table();
    rows_ = 0;
  }

  Context& context_;
  std::string format_;
  Table table_ = Table({"#", "when", "who", "kind", "what"});
  std::size_t rows_ = 0, count_ = 0;
};

Result<Outcome> run_journal_show(const Options& options, Context& context) {
  const std::string format = context.json ? "json" : options.text("format");
  const auto selection = TRY(read_selection(options));
  const bool forward = options.given("from") || options.given("since");
  const std::uint64_t last = TRY(options.number("last"));
  if (!forward && last > most_newest)
    return fail_hint(ErrorKind::usage, "begin with --from or --since, or use `tranche journal export`",
                     "--last shows at most {} entries", most_newest);
  const Opened opened = TRY(open_deck(context, options));
  journal::Journal& journal = opened.deck->journal();
  Printer printer(context, format);
  if (!forward) {
    const auto entries = TRY(journal::select_newest(journal, selection, last));
    printer.begin(journal.size());
    for (const auto& entry : entries) printer.entry(entry);
    return printer.end();
  }
  // A place beyond the end is where the next entry will stand.
  journal::Selection walk = selection;
  walk.from = std::min(walk.from, walk.to.value_or(journal.size()));
  std::uint64_t left = options.given("last") || !options.given("since") ? last : journal.size();
  printer.begin(journal.size());
  if (left > 0)
    TRY(journal::select(journal, walk, [&](const journal::Entry& entry, std::string_view) -> Result<bool> {
      printer.entry(entry);
      return --left > 0;
    }));
  return printer.end();
}

}  // namespace

Command journal_show() {
  std::vector<Flag> flags = {{.name = "last",
                              .value = "N",
                              .help = "how many entries; with --since all, unless it is given",
                              .default_text = "20"}};
  for (Flag& flag : selection_flags()) flags.push_back(std::move(flag));
  flags.push_back({.name = "format",
                   .value = "FORMAT",
                   .help = "how to print them",
                   .default_text = "text",
                   .choices = {"text", "json", "csv"}});
  flags.push_back(app_flag());
  return {.name = "journal show",
          .summary = "what was decided and done",
          .help_path = "commands/journal/show.md",
          .flags = std::move(flags),
          .run = run_journal_show};
}

}  // namespace tranche::commands
