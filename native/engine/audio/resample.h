// From any common rate to the model's, with a filter that lets nothing fold back.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace meeting::audio {

// A polyphase windowed-sinc filter (Kaiser) for one pair of rates. It passes up to 0.9 of the lower
// of both Nyquist frequencies within 0.01 dB and is 85 dB down at the Nyquist frequency itself,
// without delay: sample 0 stays at time 0. Immutable, so threads may share it.
class Resampler {
 public:
    // Rates in Hz, 1 to 1,000,000.
    static Resampler create(int from, int to);

    // ceil(size · to / from) samples; outside of `input` there is silence.
    std::vector<float> run(std::span<const float> input) const;

 private:
    Resampler() = default;

    std::size_t up_ = 1;      // to / gcd
    std::size_t down_ = 1;    // from / gcd
    std::size_t phases_ = 1;  // rows of the table: `up_`, or fewer with interpolation between rows
    std::size_t taps_ = 1;    // columns of the table
    std::vector<float> table_;  // [phases + 1][taps]
};

std::vector<float> resample(std::span<const float> input, int from, int to);

}  // namespace meeting::audio
