#include "engine/speech/tally.h"

#include <algorithm>

namespace meeting::speech {
namespace {

constexpr double kSure = 0.7;

template <typename Range>
std::size_t largest(const Range& values) {
    return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) -
                                    values.begin());
}

}  // namespace

std::size_t Tally::choose(std::span<const double> distribution, double seconds) {
    for (std::size_t i = 0; i < kLanguages; ++i) mean_[i] += seconds * distribution[i];
    total_ += seconds;
    const std::size_t own = largest(distribution);
    return distribution[own] >= kSure ? own : largest(mean_);
}

void Tally::count(std::size_t language, double seconds) { spoken_[language] += seconds; }

std::size_t Tally::language() const {
    const std::size_t most = largest(spoken_);
    return spoken_[most] > 0 ? most : largest(mean_);
}

double Tally::probability() const { return total_ > 0 ? mean_[language()] / total_ : 0.0; }

}  // namespace meeting::speech
