// The JSON Schema of tranche.yaml, for editors: made from the tables that parse, so it cannot say something
// else. Meaning (names that must exist, stages that grow) is beyond it; `tranche check` says that.
#include "spec/tables.hpp"

namespace tranche::spec {

doc::Value json_schema() {
  SchemaBook book;
  Value file = root_table().schema(book);
  const Value app = app_table().schema(book);
  Value* properties = file.find("properties");
  for (const Member& member : app.find("properties")->as_object()) properties->set(member.key, member.value);
  book.defs["app"] = app;
  Value apps = named_schema(Value::object({{"$ref", "#/$defs/app"}}), "app");
  apps.set("minProperties", 1);
  apps.set("description",
           "several apps by name, with the same keys; keys beside `apps` are shared by all that lack them");
  properties->set("apps", std::move(apps));
  file.erase("required");
  file.set("required", Value(doc::Array{Value("version")}));

  Value out = Value::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                             {"$id", "urn:tranche:schema:tranche.yaml:1"},
                             {"title", "tranche.yaml"}});
  for (const Member& member : file.as_object()) out.set(member.key, member.value);
  Value defs = Value::object();
  for (const auto& [name, schema] : book.defs) defs.set(name, schema);
  out.set("$defs", std::move(defs));
  return out;
}

}  // namespace tranche::spec
