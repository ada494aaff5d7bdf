// The steps of open_feed one by one, for those that go on after one failed. Not for other rooms.
#pragma once

#include "channel/feed.hpp"

namespace tranche::channel {

Result<Feed> parse_members(std::string_view payload);                              // all but check_releases
Result<Feed> open_signed(std::string_view envelope, const signing::Trust& trust);  // size, signature, members
// The same of the feed that `store` holds: what is wrong with it, where it lies, and what mends it.
Result<Feed> open_published(const store::Store& store, std::string_view envelope,
                            const signing::Trust& trust);
Result<> check_stream(const Feed& feed, std::string_view app, std::string_view channel);
Result<> check_expiry(const Feed& feed, Instant now);
// Offer, baseline and fallbacks are among the releases.
Result<> check_releases(const Feed& feed);

// The sealed feed, after a client's checks of it: what nobody would accept is not published.
Result<std::string> seal_checked(const Feed& feed, const signing::Trust& trust,
                                 const crypto::Ed25519Signer& feed_key);

// A file of a channel; nullopt when absent, kind verification when it is larger than it may be.
Result<std::optional<store::Blob>> read_file(store::Store& store, const std::string& name,
                                             std::size_t max_bytes);

}  // namespace tranche::channel
