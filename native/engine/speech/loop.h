// The guard against a decoder that says the same for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace meeting::speech {

// If `tokens` ends in one group of tokens said over and over, the length up to the end of its first
// occurrence, else the whole length. People do say things twice, and a recording may hold the same
// sentence three times; so it takes 10 repeats of few tokens, or 5 that make 100 tokens.
std::size_t before_loop(std::span<const std::int64_t> tokens);

}  // namespace meeting::speech
