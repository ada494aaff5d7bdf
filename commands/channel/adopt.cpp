#include "actions/adopt.hpp"

#include "actions/stores.hpp"
#include "base/text.hpp"
#include "commands/channel/shared.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

// Where to read, and what must live as long.
struct Origin {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<channel::Site> site;
  bool in_place = false;
};

Result<bool> same_directory(ports::World& world, store::Store& store, const std::string& path) {
  const auto own = store.local_directory();
  if (!own || !TRY(world.files.info(*own)) || !TRY(world.files.info(path))) return false;
  return TRY(world.files.real_path(*own)) == TRY(world.files.real_path(path));
}

Result<Origin> open_origin(Context& context, const Opened& opened, const spec::Channel& channel,
                           const Options& options) {
  Origin origin;
  const std::string from = options.given("from") ? options.text("from") : spec::to_text(channel.store);
  store::Store* own = TRY(opened.deck->channel_store(channel));
  if (from == spec::to_text(channel.store)) {
    origin.site = channel::open_store_site(context.world.files, *own);
    origin.in_place = true;
    return origin;
  }
  if (from.starts_with("s3://") || from.starts_with("git:") || from.starts_with("dir:")) {
    spec::Channel other = channel;
    other.store = TRY(spec::parse_store_ref(from));
    other.store.s3 = channel.store.s3;
    origin.store = TRY(actions::open_channel(context.world, opened.loaded.repository(), other));
    if (const auto directory = origin.store->local_directory())
      origin.in_place = TRY(same_directory(context.world, *own, *directory));
    origin.site = channel::open_store_site(context.world.files, *origin.store);
    return origin;
  }
  channel::Opened place = TRY(channel::open_site(context.world, from));
  if (!place.file.empty())
    return fail_hint(ErrorKind::usage, "name what it lies in; a URL of a directory ends in /",
                     "{} is a file, and a channel is all of them", printable(from, 160));
  origin.in_place = TRY(same_directory(context.world, *own, from));
  origin.site = std::move(place.site);
  return origin;
}

doc::Value adopted_json(const spec::Channel& channel, const channel::Site& site,
                        const actions::Adopted& adopted) {
  doc::Value files = doc::Value::array();
  for (const actions::AdoptedFile& file : adopted.files)
    files.push(doc::Value::object({{"feed", file.feed},
                                   {"name", file.name},
                                   {"size", static_cast<std::int64_t>(file.size)},
                                   {"sha256", file.sha256}}));
  return doc::Value::object(
      {{"schema", "tranche/channel-adopt/v1"},
       {"channel", channel.name},
       {"from", site.describe()},
       {"baseline", adopted.baseline},
       {"changed", adopted.changed},
       {"files", std::move(files)},
       {"releases", doc::Value(doc::Array(adopted.releases.begin(), adopted.releases.end()))},
       {"notes", doc::Value(doc::Array(adopted.notes.begin(), adopted.notes.end()))}});
}

std::string adopted_text(const spec::Channel& channel, const actions::Adopted& adopted, bool dry_run) {
  if (!adopted.changed)
    return fmt::format("{}: nothing to adopt: what is there is known, {} is the baseline\n", channel.name,
                       adopted.baseline);
  std::string out = fmt::format("{}: {} {} the baseline\n", channel.name, adopted.baseline,
                                dry_run ? "would become" : "is");
  Table files;
  for (const actions::AdoptedFile& file : adopted.files)
    files.row({file.feed, printable(file.name, 160), format_bytes(file.size), short_id(file.sha256)});
  out += files.text(2);
  out += fmt::format("  {}: {}\n", dry_run ? "would be signed and recorded" : "signed and on record",
                     join(adopted.releases, ", "));
  return out;
}

Result<Outcome> run_channel_adopt(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const spec::Channel* channel = TRY(find_channel(opened.loaded.app(), options.text("channel")));
  const Origin origin = TRY(open_origin(context, opened, *channel, options));
  const actions::AdoptRequest request{
      .channel = *channel,
      .site = *origin.site,
      .in_place = origin.in_place,
      .choice = {.release = options.given("release") ? options.text("release") : "",
                 .finish = options.given("finish")},
      .trust_digests = options.given("trust-digests"),
      .earlier = origin.in_place || options.given("earlier"),
      .dry_run = context.dry_run,
      .reason = context.reason};
  const actions::Adopted adopted = TRY(actions::adopt_channel(*opened.deck, request));
  for (const std::string& note : adopted.notes) context.say("note: {}", printable(note, 400));
  if (!context.dry_run && adopted.changed)
    context.say("nothing that clients read has changed; see tranche channel diff {}", channel->name);
  return Outcome{0, adopted_json(*channel, *origin.site, adopted),
                 adopted_text(*channel, adopted, context.dry_run)};
}

}  // namespace

Command channel_adopt() {
  return {.name = "channel adopt",
          .summary = "take over a channel that another tool published",
          .help_path = "commands/channel/adopt.md",
          .changes = true,
          .arguments = {{.name = "channel", .help = "a name under channels:"}},
          .flags =
              {{.name = "from",
                .value = "PLACE",
                .help = "s3://BUCKET/PREFIX, dir:PATH, git:REMOTE#BRANCH or a URL; else the channel's store"},
               {.name = "release",
                .value = "VERSION",
                .help = "which release becomes the baseline, where the feeds disagree"},
               {.name = "finish",
                .help = "take a release that only a share gets: the next publish gives it to everyone"},
               {.name = "earlier",
                .help = "from another place: bring the earlier releases along, as is done in place"},
               {.name = "trust-digests", .help = "do not read artifacts whose SHA-256 and size a feed names"},
               app_flag()},
          .run = run_channel_adopt};
}

}  // namespace tranche::commands
