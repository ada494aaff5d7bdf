// The tables of tranche.yaml: every key with its type, default and doc line, one table a struct.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "spec/codec.hpp"
#include "spec/spec.hpp"

namespace tranche::spec {

// The keys of the file itself; the keys of App stand beside them, or under `apps`.
struct Root {
  int version = 1;
  std::string app;
  std::vector<std::string> include;
};
// A file for `gate replay|plan --file`: just version and gates.
struct GatesFile {
  int version = 1;
  std::vector<Gate> gates;
};

const Table<Root>& root_table();
const Table<GatesFile>& gates_file_table();
const Table<App>& app_table();
const Table<Gate>& gate_table();
// Their keys stand among the gate's.
const Table<Kayenta>& kayenta_table();
const Table<Model>& model_table();
const Table<Argo>& argo_table();

Codec<Gate> gate_codec();
Codec<Rollout> rollout_codec();
Codec<Playbook> playbook_codec();
Field<Rollout> target_field();  // `target: { argo-rollouts: {...} }`
Codec<Source> source_codec();
Codec<State> state_codec();
Codec<Cohort> cohort_codec();
Codec<Channel> channel_codec();
Codec<Sbom> sbom_codec();
Codec<Vulnerabilities> vulnerabilities_codec();
Codec<Behaviour> behaviour_codec();
Codec<Trust> trust_codec();
Codec<Signing> signing_codec();

// A map of at most 32 header names to values, secret references among them. `noun`: what a value looks like.
Codec<std::map<std::string, std::string>> texts_or_secrets(std::string noun);

// A bucket: what stands under `s3:`, the value that is written ("s3://..." when all is usual), the schema.
void read_s3(const Value& value, std::string& path, S3& s3, Reader& reader);
Value write_s3(const std::string& path, const S3& s3);
Value s3_schema(SchemaBook& book);

// Word lists that checks share.
const std::vector<std::string>& known_feeds();

}  // namespace tranche::spec
