// What can be read from the numbers that the decoder gives for the next token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meeting::speech {

// The logarithm of the softmax over all of `logits` at `token`.
double log_probability(std::span<const float> logits, std::int64_t token);

// The softmax over the `count` language tokens alone, the first of which is `first`; of the logits
// after the start-of-transcript token.
std::vector<double> language_distribution(std::span<const float> logits, std::int64_t first,
                                          std::size_t count);

// exp of the mean log probability of `tokens`, one row of raw logits for each: the softmax is taken
// over the whole vocabulary before anything is suppressed. 0 without tokens.
double confidence(std::span<const std::span<const float>> rows,
                  std::span<const std::int64_t> tokens);

}  // namespace meeting::speech
