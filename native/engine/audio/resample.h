// From any common rate to the model's, with a filter that lets nothing fold back.
#pragma once

#include <span>
#include <vector>

namespace meeting::audio {

// ceil(size · to / from) samples; outside of `input` there is silence. What lies below 0.9 of the
// lower of both Nyquist frequencies passes within 0.01 dB, the Nyquist frequency itself is 85 dB
// down, and sample 0 stays at time 0. Rates in Hz, 1 to 1,000,000, else
// Error{invalid}.
std::vector<float> resample(std::span<const float> input, int from, int to);

}  // namespace meeting::audio
