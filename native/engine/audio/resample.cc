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

// A polyphase windowed sinc (Kaiser) for one pair of rates.
struct Filter {
    std::size_t up;            // to / gcd
    std::size_t down;          // from / gcd
    std::size_t phases;        // rows of the table: `up`, or fewer with interpolation between rows
    std::size_t taps = 0;      // columns of the table
    std::vector<float> table;  // [phases + 1][taps]

    Filter(int from, int to);
    std::vector<float> run(std::span<const float> input) const;
};

Filter::Filter(int from, int to)
    : up(static_cast<std::size_t>(to / std::gcd(from, to))),
      down(static_cast<std::size_t>(from / std::gcd(from, to))),
      phases(std::min(up, kRows)) {
    // All in units of an input sample. `lower` is the lower rate as a part of the input's.
    const double lower = std::min(1.0, static_cast<double>(to) / from);
    const double cutoff = lower * (1.0 + kPassband) / 2.0;  // of the input's Nyquist frequency
    const double transition = std::numbers::pi * lower * (1.0 - kPassband);  // radians a sample
    const double half = (kStopband - 7.95) / (2.285 * transition) / 2.0;
    const double beta = 0.1102 * (kStopband - 8.7);
    const std::size_t side = static_cast<std::size_t>(std::ceil(half));
    taps = 2 * side;
    table.resize((phases + 1) * taps);

    // Row p serves an output that lies p/phases behind an input sample; column t is the input
    // sample at t - side + 1 from that one.
    const double peak = bessel(beta);
    for (std::size_t phase = 0; phase <= phases; ++phase) {
        const double offset = static_cast<double>(phase) / static_cast<double>(phases);
        float* row = table.data() + phase * taps;
        std::vector<double> weights(taps);
        for (std::size_t tap = 0; tap < taps; ++tap) {
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
}

std::vector<float> Filter::run(std::span<const float> input) const {
    const std::size_t side = taps / 2;
    // Silence on both sides, so that the inner loop needs no limits.
    std::vector<float> padded(input.size() + 2 * taps, 0.0f);
    std::copy(input.begin(), input.end(), padded.begin() + static_cast<std::ptrdiff_t>(taps));

    std::vector<float> output((input.size() * up + down - 1) / down);
    std::size_t whole = 0;  // output i lies at input sample whole + part/up
    std::size_t part = 0;
    for (float& value : output) {
        const float* from = padded.data() + taps + whole + 1 - side;
        if (phases == up) {
            value = dot(table.data() + part * taps, from, taps);
        } else {
            const double place =
                static_cast<double>(part) * static_cast<double>(phases) / static_cast<double>(up);
            const std::size_t row = static_cast<std::size_t>(place);
            const float weight = static_cast<float>(place - static_cast<double>(row));
            const float* low = table.data() + row * taps;
            value = (1.0f - weight) * dot(low, from, taps) + weight * dot(low + taps, from, taps);
        }
        part += down;
        whole += part / up;
        part %= up;
    }
    return output;
}

}  // namespace

std::vector<float> resample(std::span<const float> input, int from, int to) {
    constexpr int kMost = 1'000'000;
    if (from < 1 || to < 1 || from > kMost || to > kMost) {
        throw Error(Fault::invalid, "sample_rate: must be 1 to 1000000");
    }
    if (from == to) return {input.begin(), input.end()};
    return Filter(from, to).run(input);
}

}  // namespace meeting::audio
