// A published electron feed as its client understands it. Private to the electron files.
#pragma once

#include <string>
#include <vector>

#include "channel/electron.hpp"
#include "cohort/electron.hpp"

namespace tranche::channel {

struct ElectronDocument {
  std::string name;  // "latest-mac.yml"
  std::string suffix;
  artifact::UpdateInfo info;
  cohort::ElectronDice dice{std::nullopt};
  bool has_statement = false;                 // a signed statement of ours lies beside it
  std::vector<std::string> without_blockmap;  // files that clients fetch whole
};

class ElectronView final : public View {
 public:
  ElectronView(std::vector<ElectronDocument> documents, std::vector<Named> files, const ReadInput& input);
  [[nodiscard]] Answer ask(const Asker& asker) const override;
  [[nodiscard]] std::vector<std::string> explain(const Asker& asker) const override;
  [[nodiscard]] const std::vector<Named>& files() const override { return files_; }
  [[nodiscard]] const std::vector<NamedRelease>& releases() const override { return releases_; }
  [[nodiscard]] double share() const override { return first().dice.share(); }
  [[nodiscard]] std::string offers() const override { return share() > 0 ? first().info.version : ""; }
  [[nodiscard]] std::vector<Remark> audit(Instant now) const override;
  [[nodiscard]] Result<std::string> facts(const std::string& version) const override;

  // The file that devices are asked about: the platform's, else the first there is.
  [[nodiscard]] const ElectronDocument& first() const { return documents_.front(); }
  [[nodiscard]] const std::vector<ElectronDocument>& documents() const { return documents_; }
  [[nodiscard]] bool allow_downgrade() const { return allow_downgrade_; }
  [[nodiscard]] const std::string& base_url() const { return base_url_; }

 private:
  std::vector<ElectronDocument> documents_;  // at least one
  std::vector<Named> files_;
  std::vector<NamedRelease> releases_;
  bool allow_downgrade_ = false;
  std::string base_url_;
};

// What a person should know of one document, and of several together.
std::vector<Remark> audit_electron(const ElectronView& view, Instant now);

// The place of a file that a yml names, below what was read (whose own address is base_url, where that is
// known); empty: elsewhere.
std::string place_below(const std::string& document, const std::string& url, const std::string& base_url);

}  // namespace tranche::channel
