#include "engine/speech/logits.h"

#include <algorithm>
#include <cmath>

#include "engine/speech/language.h"
#include "engine/task.h"

namespace meeting::speech {
namespace {

// log Σ exp, safe for large values.
double log_sum(std::span<const float> logits) {
    const double peak = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float value : logits) sum += std::exp(static_cast<double>(value) - peak);
    return peak + std::log(sum);
}

}  // namespace

double log_probability(std::span<const float> logits, std::int64_t token) {
    if (token < 0 || static_cast<std::size_t>(token) >= logits.size()) {
        throw Error(Fault::internal, "a token beyond the vocabulary");
    }
    return static_cast<double>(logits[static_cast<std::size_t>(token)]) - log_sum(logits);
}

std::vector<double> language_distribution(std::span<const float> logits, std::int64_t first) {
    if (first < 0 || static_cast<std::size_t>(first) + kLanguages > logits.size()) {
        throw Error(Fault::internal, "language tokens beyond the vocabulary");
    }
    const auto part = logits.subspan(static_cast<std::size_t>(first), kLanguages);
    const double total = log_sum(part);
    std::vector<double> out(kLanguages);
    std::transform(part.begin(), part.end(), out.begin(),
                   [total](float value) { return std::exp(static_cast<double>(value) - total); });
    return out;
}

}  // namespace meeting::speech
