#include "engine/speech/logits.h"

#include <algorithm>
#include <cmath>

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

std::vector<double> language_distribution(std::span<const float> logits, std::int64_t first,
                                          std::size_t count) {
    if (first < 0 || count == 0 || static_cast<std::size_t>(first) + count > logits.size()) {
        throw Error(Fault::internal, "language tokens beyond the vocabulary");
    }
    const auto part = logits.subspan(static_cast<std::size_t>(first), count);
    const double total = log_sum(part);
    std::vector<double> out(count);
    std::transform(part.begin(), part.end(), out.begin(),
                   [total](float value) { return std::exp(static_cast<double>(value) - total); });
    return out;
}

double confidence(std::span<const std::span<const float>> rows,
                  std::span<const std::int64_t> tokens) {
    if (rows.size() != tokens.size()) {
        throw Error(Fault::internal, "one row of logits is needed for each token");
    }
    if (tokens.empty()) return 0.0;
    double sum = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) sum += log_probability(rows[i], tokens[i]);
    return std::exp(sum / static_cast<double>(tokens.size()));
}

}  // namespace meeting::speech
