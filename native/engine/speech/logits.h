// What can be read from the numbers that the decoder gives for the next token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace meeting::speech {

// The logarithm of the softmax over all of `logits` at `token`.
double log_probability(std::span<const float> logits, std::int64_t token);

// The softmax over the kLanguages language tokens alone, the first of which is `first`; of the
// logits after the start-of-transcript token.
std::vector<double> language_distribution(std::span<const float> logits, std::int64_t first);

}  // namespace meeting::speech
