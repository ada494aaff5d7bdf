#include "store/below.hpp"

namespace tranche::store {
namespace {

class Below final : public Store {
 public:
  Below(std::unique_ptr<Store> base, std::string prefix)
      : base_(std::move(base)), prefix_(std::move(prefix)) {}

  Result<std::optional<Blob>> get(std::string_view name, std::size_t max_bytes) override {
    TRY(check_name(name));
    return base_->get(full(name), max_bytes);
  }
  Result<std::optional<Stat>> stat(std::string_view name, std::uint64_t max_hashed,
                                   DigestFrom from) override {
    TRY(check_name(name));
    return base_->stat(full(name), max_hashed, from);
  }
  Result<std::vector<std::string>> list(std::string_view prefix) override {
    std::vector<std::string> names = TRY(base_->list(full(prefix)));
    for (std::string& name : names) name.erase(0, prefix_.size() + 1);
    return names;
  }
  Result<Version> publish(const Publication& publication) override {
    Publication whole = publication;
    for (File& file : whole.files) {
      TRY(check_name(file.name));
      file.name = full(file.name);
      if (!file.copy_of.empty()) file.copy_of = full(file.copy_of);
    }
    if (whole.pointer) {
      TRY(check_name(whole.pointer->name));
      whole.pointer->name = full(whole.pointer->name);
    }
    for (Pointer& follower : whole.followers) {
      TRY(check_name(follower.name));
      follower.name = full(follower.name);
    }
    return base_->publish(whole);
  }
  Result<> remove(std::span<const std::string> names) override {
    std::vector<std::string> whole;
    for (const std::string& name : names) {
      TRY(check_name(name));
      whole.push_back(full(name));
    }
    return base_->remove(whole);
  }
  void refresh() override { base_->refresh(); }
  [[nodiscard]] std::string describe() const override { return base_->describe() + "/" + prefix_; }
  [[nodiscard]] std::optional<std::string> local_directory() const override {
    const auto directory = base_->local_directory();
    return directory ? std::optional(*directory + "/" + prefix_) : std::nullopt;
  }

 private:
  [[nodiscard]] std::string full(std::string_view name) const { return prefix_ + "/" + std::string(name); }

  std::unique_ptr<Store> base_;
  std::string prefix_;
};

}  // namespace

Result<std::unique_ptr<Store>> below(std::unique_ptr<Store> base, std::string prefix) {
  TRY(check_name(prefix));
  return std::unique_ptr<Store>(std::make_unique<Below>(std::move(base), std::move(prefix)));
}

}  // namespace tranche::store
