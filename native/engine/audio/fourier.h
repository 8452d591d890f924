// The Fourier transform of one analysis window.
#pragma once

#include <cstddef>
#include <span>

namespace meeting::audio {

inline constexpr std::size_t kWindow = 400;            // samples
inline constexpr std::size_t kBins = kWindow / 2 + 1;  // 0 Hz to the Nyquist frequency

// |DFT|² of `kWindow` real samples. Double precision: a quiet bin beside a loud one decides the
// value of a logarithm later.
void power(std::span<const double, kWindow> samples, std::span<double, kBins> out);

}  // namespace meeting::audio
