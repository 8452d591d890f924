#include "engine/audio/mel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "engine/audio/fourier.h"
#include "engine/task.h"

namespace meeting::audio {
namespace {

constexpr std::size_t kHop = 160;
constexpr double kFloor = 1e-10;  // of power, before the logarithm

// Slaney's scale: linear to 1000 Hz, then logarithmic.
constexpr double kLinear = 200.0 / 3.0;      // Hz a mel
constexpr double kBreak = 1000.0 / kLinear;  // mels at 1000 Hz
const double kStep = std::log(6.4) / 27.0;   // of the logarithmic part

double to_hertz(double mel) {
    return mel < kBreak ? mel * kLinear : 1000.0 * std::exp(kStep * (mel - kBreak));
}

double to_mel(double hertz) {
    return hertz < 1000.0 ? hertz / kLinear : kBreak + std::log(hertz / 1000.0) / kStep;
}

struct Band {
    std::size_t first = 0;
    std::vector<double> weights;  // of the bins from `first` on
};

struct Tables {
    std::array<double, kWindow> hann;  // periodic
    std::array<Band, kMels> bands;

    Tables() {
        for (std::size_t i = 0; i < kWindow; ++i) {
            hann[i] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(i) /
                                           static_cast<double>(kWindow));
        }
        std::array<double, kMels + 2> edges;
        const double top = to_mel(kRate / 2.0);
        for (std::size_t i = 0; i < edges.size(); ++i) {
            edges[i] = to_hertz(top * static_cast<double>(i) / (kMels + 1.0));
        }
        for (std::size_t m = 0; m < kMels; ++m)
            bands[m] = band(edges[m], edges[m + 1], edges[m + 2]);
    }

    // A triangle from `low` over `centre` to `high` (Hz) with area 1.
    static Band band(double low, double centre, double high) {
        Band made;
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            const double hertz = static_cast<double>(bin) * kRate / static_cast<double>(kWindow);
            const double weight =
                std::min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
            if (weight <= 0.0) continue;
            if (made.weights.empty()) made.first = bin;
            made.weights.push_back(weight * 2.0 / (high - low));
        }
        return made;
    }
};

const Tables& tables() {
    static const Tables made;
    return made;
}

// Sample `at` of the padded 30 s, mirrored at both ends.
double mirrored(std::span<const float> samples, std::ptrdiff_t at) {
    constexpr auto kEnd = static_cast<std::ptrdiff_t>(kSamples);
    if (at < 0) at = -at;
    if (at >= kEnd) at = 2 * (kEnd - 1) - at;
    const auto place = static_cast<std::size_t>(at);
    return place < samples.size() ? samples[place] : 0.0;
}

}  // namespace

std::vector<float> log_mel(std::span<const float> samples) {
    if (samples.size() > kSamples) throw Error(Fault::internal, "a window longer than 30 s");
    const Tables& table = tables();
    std::vector<float> out(kMels * kFrames, static_cast<float>(std::log10(kFloor)));
    std::array<double, kWindow> window;
    std::array<double, kBins> bins;
    constexpr auto kSide = static_cast<std::ptrdiff_t>(kWindow / 2);

    // Frames that see nothing of the sound keep the floor.
    const std::size_t heard = std::min(kFrames, (samples.size() + kWindow / 2) / kHop + 1);
    for (std::size_t frame = 0; frame < heard; ++frame) {
        const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(frame * kHop) - kSide;
        for (std::size_t i = 0; i < kWindow; ++i) {
            window[i] = table.hann[i] * mirrored(samples, start + static_cast<std::ptrdiff_t>(i));
        }
        power(window, bins);
        for (std::size_t m = 0; m < kMels; ++m) {
            const Band& band = table.bands[m];
            double sum = 0;
            for (std::size_t i = 0; i < band.weights.size(); ++i) {
                sum += band.weights[i] * bins[band.first + i];
            }
            out[m * kFrames + frame] = static_cast<float>(std::log10(std::max(sum, kFloor)));
        }
    }
    const float lowest = *std::max_element(out.begin(), out.end()) - 8.0f;
    for (float& value : out) value = (std::max(value, lowest) + 4.0f) / 4.0f;
    return out;
}

}  // namespace meeting::audio
