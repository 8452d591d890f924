#include "engine/audio/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/task.h"

namespace meeting::audio {
namespace {

constexpr double kStopband = 90.0;   // dB
constexpr double kPassband = 0.9;    // of the lower Nyquist frequency
constexpr std::size_t kRows = 1024;  // more phases than this are interpolated
constexpr std::size_t kLanes = 8;    // sums kept apart, so that the compiler can use vectors

// The modified Bessel function of the first kind, order 0, by its power series.
double bessel(double x) {
    double sum = 1.0;
    double term = 1.0;
    for (int k = 1; term > sum * 1e-16; ++k) {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
    }
    return sum;
}

double sinc(double x) {
    if (x == 0.0) return 1.0;
    const double angle = std::numbers::pi * x;
    return std::sin(angle) / angle;
}

float dot(const float* a, const float* b, std::size_t size) {
    std::array<float, kLanes> sums{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    float rest = 0;
    for (; i < size; ++i) rest += a[i] * b[i];
    return std::accumulate(sums.begin(), sums.end(), rest);
}

}  // namespace

Resampler Resampler::create(int from, int to) {
    constexpr int kMost = 1'000'000;
    if (from < 1 || to < 1 || from > kMost || to > kMost) {
        throw Error(Fault::invalid, "sample_rate: must be 1 to 1000000");
    }
    Resampler made;
    const int divisor = std::gcd(from, to);
    made.up_ = static_cast<std::size_t>(to / divisor);
    made.down_ = static_cast<std::size_t>(from / divisor);
    if (from == to) return made;
    made.phases_ = std::min(made.up_, kRows);

    // All in units of an input sample. `lower` is the lower rate as a part of the input's.
    const double lower = std::min(1.0, static_cast<double>(to) / from);
    const double cutoff = lower * (1.0 + kPassband) / 2.0;  // of the input's Nyquist frequency
    const double transition = std::numbers::pi * lower * (1.0 - kPassband);  // radians a sample
    const double half = (kStopband - 7.95) / (2.285 * transition) / 2.0;
    const double beta = 0.1102 * (kStopband - 8.7);
    const std::size_t side = static_cast<std::size_t>(std::ceil(half));
    made.taps_ = 2 * side;
    made.table_.resize((made.phases_ + 1) * made.taps_);

    // Row p serves an output that lies p/phases behind an input sample; column t is the input
    // sample at t - side + 1 from that one.
    const double peak = bessel(beta);
    for (std::size_t phase = 0; phase <= made.phases_; ++phase) {
        const double offset = static_cast<double>(phase) / static_cast<double>(made.phases_);
        float* row = made.table_.data() + phase * made.taps_;
        std::vector<double> weights(made.taps_);
        for (std::size_t tap = 0; tap < made.taps_; ++tap) {
            const double x = static_cast<double>(tap) - static_cast<double>(side) + 1.0 - offset;
            const double place = x / (half + 1e-9);
            if (std::abs(place) >= 1.0) continue;
            weights[tap] = sinc(cutoff * x) * bessel(beta * std::sqrt(1.0 - place * place)) / peak;
        }
        // A constant stays the same constant in every phase.
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        std::transform(weights.begin(), weights.end(), row,
                       [sum](double weight) { return static_cast<float>(weight / sum); });
    }
    return made;
}

std::vector<float> Resampler::run(std::span<const float> input) const {
    if (up_ == down_) return {input.begin(), input.end()};
    const std::size_t side = taps_ / 2;
    // Silence on both sides, so that the inner loop needs no limits.
    std::vector<float> padded(input.size() + 2 * taps_, 0.0f);
    std::copy(input.begin(), input.end(), padded.begin() + static_cast<std::ptrdiff_t>(taps_));

    std::vector<float> output((input.size() * up_ + down_ - 1) / down_);
    std::size_t whole = 0;  // output i lies at input sample whole + part/up
    std::size_t part = 0;
    for (float& value : output) {
        const float* from = padded.data() + taps_ + whole + 1 - side;
        if (phases_ == up_) {
            value = dot(table_.data() + part * taps_, from, taps_);
        } else {
            const double place =
                static_cast<double>(part) * static_cast<double>(phases_) / static_cast<double>(up_);
            const std::size_t row = static_cast<std::size_t>(place);
            const float weight = static_cast<float>(place - static_cast<double>(row));
            const float* low = table_.data() + row * taps_;
            value =
                (1.0f - weight) * dot(low, from, taps_) + weight * dot(low + taps_, from, taps_);
        }
        part += down_;
        whole += part / up_;
        part %= up_;
    }
    return output;
}

std::vector<float> resample(std::span<const float> input, int from, int to) {
    return Resampler::create(from, to).run(input);
}

}  // namespace meeting::audio
