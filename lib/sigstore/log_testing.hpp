// A transparency log of tests: Rekor v1 and v2 over one real Merkle tree, answering requests of ports::Http.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "crypto/merkle.hpp"
#include "crypto/signer.hpp"
#include "doc/value.hpp"
#include "ports/ports.hpp"
#include "sigstore/trusted_root.hpp"

namespace tranche::sigstore {

struct TestLog {
  std::unique_ptr<crypto::Signer> signer = std::move(*crypto::make_ephemeral_signer());
  std::vector<std::string> bodies;
  std::int64_t now = 1'780'000'000;  // seconds

  [[nodiscard]] std::string id() const { return *from_hex(signer->public_key().id()); }
  [[nodiscard]] TransparencyLog trusted() const {
    return {.base_url = "https://log.example",
            .id = id(),
            .checkpoint_id = id(),
            .key = signer->public_key(),
            .scheme = crypto::Scheme::ecdsa_sha256,
            .validity = {Instant{}, {}}};
  }

  using Leaves = std::span<const crypto::Sha256Digest>;
  static std::size_t split_of(std::size_t n) {
    std::size_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
  static crypto::Sha256Digest root(Leaves leaves) {
    if (leaves.size() == 1) return leaves[0];
    const std::size_t k = split_of(leaves.size());
    return crypto::merkle_node(root(leaves.first(k)), root(leaves.subspan(k)));
  }
  static std::vector<crypto::Sha256Digest> path(std::size_t m, Leaves leaves) {
    if (leaves.size() == 1) return {};
    const std::size_t k = split_of(leaves.size());
    auto hashes = m < k ? path(m, leaves.first(k)) : path(m - k, leaves.subspan(k));
    hashes.push_back(m < k ? root(leaves.subspan(k)) : root(leaves.first(k)));
    return hashes;
  }

  struct Proof {
    std::string root, checkpoint;
    std::vector<std::string> hashes;
  };
  [[nodiscard]] Proof prove(std::size_t index) const {
    std::vector<crypto::Sha256Digest> leaves;
    for (const std::string& body : bodies) leaves.push_back(crypto::merkle_leaf(body));
    Proof proof;
    proof.root = std::string(crypto::as_bytes(root(leaves)));
    for (const auto& hash : path(index, leaves)) proof.hashes.emplace_back(crypto::as_bytes(hash));
    const std::string text =
        "log.example\n" + std::to_string(bodies.size()) + "\n" + to_base64(proof.root) + "\n";
    const std::string signature = *signer->sign(text);
    proof.checkpoint = text + "\n\u2014 log.example " + to_base64(id().substr(0, 4) + signature) + "\n";
    return proof;
  }

  // The index of the body, which is added when it is new; `fresh` says which.
  std::size_t add(const std::string& body, bool& fresh) {
    for (std::size_t i = 0; i < bodies.size(); ++i)
      if (bodies[i] == body) {
        fresh = false;
        return i;
      }
    bodies.push_back(body);
    fresh = true;
    return bodies.size() - 1;
  }

  [[nodiscard]] doc::Value v1_entry(std::size_t index) const {
    const Proof proof = prove(index);
    doc::Value hashes = doc::Value::array();
    for (const std::string& hash : proof.hashes) hashes.push(tranche::to_hex(hash));
    const std::string body = to_base64(bodies[index]);
    const std::string set =
        *doc::canonical_json(doc::Value::object({{"body", body},
                                                 {"integratedTime", now},
                                                 {"logID", tranche::to_hex(id())},
                                                 {"logIndex", static_cast<std::int64_t>(index)}}));
    doc::Value inclusion = doc::Value::object({{"checkpoint", proof.checkpoint},
                                               {"hashes", std::move(hashes)},
                                               {"logIndex", static_cast<std::int64_t>(index)},
                                               {"rootHash", tranche::to_hex(proof.root)},
                                               {"treeSize", static_cast<std::int64_t>(bodies.size())}});
    doc::Value verification = doc::Value::object(
        {{"inclusionProof", std::move(inclusion)}, {"signedEntryTimestamp", to_base64(*signer->sign(set))}});
    doc::Value entry = doc::Value::object({{"body", body},
                                           {"integratedTime", now},
                                           {"logID", tranche::to_hex(id())},
                                           {"logIndex", static_cast<std::int64_t>(index)},
                                           {"verification", std::move(verification)}});
    return doc::Value::object({{uuid(index), std::move(entry)}});
  }
  [[nodiscard]] std::string uuid(std::size_t index) const {
    return crypto::to_hex(crypto::merkle_leaf(bodies[index]));
  }
  [[nodiscard]] std::string v2_entry(std::size_t index) const {
    const Proof proof = prove(index);
    doc::Value hashes = doc::Value::array();
    for (const std::string& hash : proof.hashes) hashes.push(to_base64(hash));
    doc::Value inclusion =
        doc::Value::object({{"logIndex", std::to_string(index)},
                            {"rootHash", to_base64(proof.root)},
                            {"treeSize", std::to_string(bodies.size())},
                            {"hashes", std::move(hashes)},
                            {"checkpoint", doc::Value::object({{"envelope", proof.checkpoint}})}});
    return doc::to_json(doc::Value::object(
        {{"logIndex", std::to_string(index)},
         {"logId", doc::Value::object({{"keyId", to_base64(id())}})},
         {"kindVersion", doc::Value::object({{"kind", "hashedrekord"}, {"version", "0.0.2"}})},
         {"inclusionProof", std::move(inclusion)},
         {"canonicalizedBody", to_base64(bodies[index])}}));
  }

  // What Rekor keeps of a request: of an envelope its hashes and signatures only.
  static std::string v1_body(const doc::Value& request) {
    if (*request.text("kind") != "dsse") return *doc::canonical_json(request);
    const doc::Value& content = *request.find("spec")->find("proposedContent");
    const std::string text = *content.text("envelope");
    const doc::Value envelope = *doc::parse_json(text);
    const auto hash_of = [](std::string_view bytes) {
      return doc::Value::object({{"algorithm", "sha256"}, {"value", crypto::to_hex(crypto::sha256(bytes))}});
    };
    doc::Value signature =
        doc::Value::object({{"signature", *envelope.find("signatures")->as_array()[0].text("sig")},
                            {"verifier", content.find("verifiers")->as_array()[0].as_string()}});
    doc::Value spec = doc::Value::object({{"envelopeHash", hash_of(text)},
                                          {"payloadHash", hash_of(*from_base64(*envelope.text("payload")))},
                                          {"signatures", doc::Array{std::move(signature)}}});
    return *doc::canonical_json(
        doc::Value::object({{"apiVersion", "0.0.1"}, {"kind", "dsse"}, {"spec", std::move(spec)}}));
  }
  static std::string v2_body(const doc::Value& request) {
    const doc::Value& wanted = *request.find("hashedRekordRequestV002");
    doc::Value inner = doc::Value::object(
        {{"data", doc::Value::object({{"algorithm", "SHA2_256"}, {"digest", *wanted.text("digest")}})},
         {"signature", *wanted.find("signature")}});
    return *doc::canonical_json(
        doc::Value::object({{"apiVersion", "0.0.2"},
                            {"kind", "hashedrekord"},
                            {"spec", doc::Value::object({{"hashedRekordV002", std::move(inner)}})}}));
  }

  static ports::HttpResponse respond(int status, std::string body, std::string location = "") {
    ports::HttpResponse answer;
    answer.status = status;
    answer.body = std::move(body);
    if (!location.empty()) answer.headers.emplace_back("location", std::move(location));
    return answer;
  }
  ports::HttpResponse answer(const ports::HttpRequest& request) {
    const std::string v1 = "/api/v1/log/entries";
    if (request.method == "GET") {
      for (std::size_t i = 0; i < bodies.size(); ++i)
        if (request.url.ends_with(v1 + "/" + uuid(i))) return respond(200, doc::to_json(v1_entry(i)));
      return respond(404, "no such entry");
    }
    const doc::Value json = *doc::parse_json(request.body);
    bool fresh = false;
    if (request.url.ends_with("/api/v2/log/entries"))
      return respond(201, v2_entry(add(v2_body(json), fresh)));
    if (request.url.ends_with("/retrieve")) {
      const std::string body = v1_body(json.find("entries")->as_array()[0]);
      for (std::size_t i = 0; i < bodies.size(); ++i)
        if (bodies[i] == body) return respond(200, doc::to_json(doc::Array{v1_entry(i)}));
      return respond(200, "[]");
    }
    const std::size_t index = add(v1_body(json), fresh);
    if (!fresh) return respond(409, "an equivalent entry already exists", v1 + "/" + uuid(index));
    return respond(201, doc::to_json(v1_entry(index)));
  }
};

}  // namespace tranche::sigstore
