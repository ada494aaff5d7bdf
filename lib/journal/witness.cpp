#include "journal/witness.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tiles.hpp"
#include "journal/tlog_proof.hpp"
#include "signing/cosignature.hpp"

namespace tranche::journal {

namespace {

constexpr std::size_t max_answer_bytes = 16 * 1024;
constexpr auto answer_time = std::chrono::seconds(5);  // a witness fsyncs and signs: milliseconds
constexpr auto time_in_all = std::chrono::seconds(20);
constexpr std::size_t max_witnessed_bytes = 64 * 1024;

// The good signature of this witness among some lines, and when it was made.
struct Good {
  signing::NoteSignature line;
  Instant at{};
};
std::optional<Good> find_good(const std::string& text, const std::vector<signing::NoteSignature>& lines,
                              const signing::VerifierKey& verifier) {
  for (const auto& line : lines)
    if (signing::is_by(line, verifier))
      if (const auto at = signing::check_cosignature(text, line, verifier)) return Good{line, *at};
  return std::nullopt;
}

// What one witness did with a checkpoint.
struct Answer {
  std::optional<Good> good;
  std::string complaint;
};

class Asker {
 public:
  Asker(ports::World& world, Journal& journal, const signing::Note& note)
      : world_(world), journal_(journal), note_(note) {}

  // `old_size`: what this witness is thought to have seen last; it says when it is another.
  Result<Answer> ask(const WitnessPolicy::Known& witness, std::uint64_t old_size) {
    for (int turn = 0;; ++turn) {
      GrowthProof proof{old_size, {}, journal_.checkpoint()};
      if (old_size > 0 && old_size < journal_.size())
        proof.hashes = TRY(journal_.prove_growth(old_size, journal_.size()));
      ports::HttpRequest request;
      request.method = "POST";
      request.url = witness.url;
      while (request.url.ends_with('/')) request.url.pop_back();
      request.url += "/add-checkpoint";
      request.headers = {{"content-type", "text/plain; charset=utf-8"}};
      request.body = to_text(proof);
      request.max_response_bytes = max_answer_bytes;
      request.timeout = answer_time;
      const auto response = world_.http.send(request);
      if (!response) return Answer{{}, response.error().message};
      if (response->status == 200) return take_lines(witness, response->body);
      const auto size = parse_u64(trim(response->body));
      if (response->status != 409 || !size || *size == old_size) return Answer{{}, words_of(*response)};
      if (*size > journal_.size())
        return Answer{{},
                      fmt::format("it has signed {} entries of this journal, which has {} here: an old copy",
                                  *size, journal_.size())};
      if (turn > 0) return Answer{{}, "somebody else sends it other checkpoints of this journal"};
      old_size = *size;
    }
  }

 private:
  Answer take_lines(const WitnessPolicy::Known& witness, const std::string& body) const {
    const auto lines = signing::read_note(note_.text + "\n" + body);
    if (!lines) return {{}, "its answer is no signature"};
    auto good = find_good(note_.text, lines->signatures, witness.verifier);
    if (!good) return {{}, "its answer holds no good signature by the key that 'witnesses:' names"};
    return {std::move(good), {}};
  }

  static std::string words_of(const ports::HttpResponse& response) {
    switch (response.status) {
      case 403:
        return "it does not know the key that signs this journal: give it the verifier key";
      case 404:
        return "it does not know this journal: give it the origin and the verifier key";
      case 409:
        return "it has signed another tree of this size: the journal was forked";
      case 422:
        return "it says that the journal did not grow from what it has signed: the journal was forked";
      default:
        return fmt::format("it answered {} {}", response.status, printable(trim(response.body), 80));
    }
  }

  ports::World& world_;
  Journal& journal_;
  const signing::Note& note_;
};

struct Stored {
  std::string bytes;
  store::Version version;
};
Result<Stored> read_stored(store::Store& store) {
  auto blob = TRY(read_bounded(store, std::string(witnessed_name), max_witnessed_bytes));
  if (!blob) return Stored{};
  return Stored{std::move(blob->bytes), std::move(blob->version)};
}

// Up to which size this witness signed what was kept; 0 when nothing is known.
std::uint64_t last_size(const std::string& kept, const WitnessPolicy::Known& witness) {
  const auto note = signing::read_note(kept);
  if (!note || !find_good(note->text, note->signatures, witness.verifier)) return 0;
  const auto checkpoint = parse_checkpoint(note->text);
  return checkpoint ? checkpoint->size : 0;
}

}  // namespace

Result<WitnessPolicy> witness_policy(const spec::App& app) {
  WitnessPolicy policy;
  policy.required = app.witnesses_required;
  const auto at = [](Error error, const spec::Witness& witness) {
    error.mark = doc::to_mark(witness.place);
    return fail(std::move(error));
  };
  for (const spec::Witness& witness : app.witnesses_known) {
    auto verifier = signing::parse_verifier_key(witness.key);
    if (!verifier) return at(std::move(verifier.error()), witness);
    if (verifier->algorithm != signing::NoteAlgorithm::cosignature)
      return at(
          {ErrorKind::invalid,
           fmt::format("the key of witness '{}' signs notes, not cosignatures", printable(witness.name)),
           "take the key that its operator publishes for cosignatures: its base64 begins with B"},
          witness);
    for (const auto& other : policy.known)
      if (other.verifier.key == verifier->key || other.verifier.name == verifier->name)
        return at(
            {ErrorKind::invalid,
             fmt::format("witness '{}' has the name or the key of another one", printable(witness.name)),
             "a witness counts once: name it once"},
            witness);
    policy.known.push_back({std::move(*verifier), witness.url});
  }
  if (policy.required > static_cast<int>(policy.known.size()))
    return fail_hint(ErrorKind::invalid, "name more under 'witnesses: known:', or require fewer",
                     "{} witnesses are required and {} known", policy.required, policy.known.size());
  return policy;
}

Witnessed count_witnesses(const std::string& checkpoint, const std::string& cosigned,
                          const WitnessPolicy& policy) {
  Witnessed witnessed{.by = {}, .required = policy.required, .note = checkpoint, .complaints = {}};
  const auto own = signing::read_note(checkpoint);
  const auto kept = signing::read_note(cosigned);
  if (!own || !kept || kept->text != own->text) return witnessed;
  for (const auto& witness : policy.known) {
    const auto good = find_good(own->text, kept->signatures, witness.verifier);
    if (!good) continue;
    witnessed.by.push_back({witness.verifier.name, good->at});
    witnessed.note += signing::to_line(good->line);
  }
  return witnessed;
}

Result<Witnessed> read_witnessed(store::Store& store, const Journal& journal, const WitnessPolicy& policy) {
  if (journal.size() == 0 || policy.known.empty())
    return Witnessed{{}, journal.size() == 0 ? 0 : policy.required, journal.checkpoint(), {}};
  return count_witnesses(journal.checkpoint(), TRY(read_stored(store)).bytes, policy);
}

Result<Witnessed> ask_witnesses(ports::World& world, store::Store& store, Journal& journal,
                                const WitnessPolicy& policy) {
  if (journal.size() == 0 || policy.known.empty()) return read_witnessed(store, journal, policy);
  const Stored stored = TRY(read_stored(store));
  const signing::Note note = TRY(signing::read_note(journal.checkpoint()));
  std::string grown = count_witnesses(journal.checkpoint(), stored.bytes, policy).note;
  const auto count = [&] { return count_witnesses(journal.checkpoint(), grown, policy); };
  std::vector<std::string> complaints;
  Asker asker(world, journal, note);
  const auto until = world.clock.elapsed() + time_in_all;
  for (const auto& witness : policy.known) {
    const Witnessed now = count();
    if (policy.required > 0 && now.enough()) break;
    if (witness.url.empty() ||
        std::ranges::any_of(now.by, [&](const Cosigned& one) { return one.name == witness.verifier.name; }))
      continue;
    if (world.clock.elapsed() > until) {
      complaints.push_back(witness.verifier.name + ": not asked, the others took too long");
      continue;
    }
    const Answer answer = TRY(asker.ask(witness, last_size(stored.bytes, witness)));
    if (answer.good)
      grown += signing::to_line(answer.good->line);
    else
      complaints.push_back(witness.verifier.name + ": " + answer.complaint);
  }
  Witnessed witnessed = count();
  witnessed.complaints = std::move(complaints);
  if (witnessed.by.empty() || witnessed.note == stored.bytes) return witnessed;
  // Somebody who asked at the same time may have kept his already: as good as ours, or better.
  const auto kept = store.publish(
      {.files = {},
       .pointer = store::Pointer{std::string(witnessed_name), witnessed.note, stored.version},
       .followers = {},
       .message = fmt::format("journal {}: signed by {}", journal.size(), witnessed.by.size())});
  if (!kept && kept.error().kind != ErrorKind::conflict)
    witnessed.complaints.push_back("their signatures could not be kept: " + kept.error().message);
  return witnessed;
}

std::string shortage_text(const Witnessed& witnessed) {
  std::string text = fmt::format("{} of {} required witnesses have signed the journal", witnessed.by.size(),
                                 witnessed.required);
  if (!witnessed.complaints.empty()) text += " (" + join(witnessed.complaints, "; ") + ")";
  return text;
}

}  // namespace tranche::journal
