// Sound as Whisper sees it: the logarithm of its mel spectrum.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace meeting::audio {

inline constexpr int kRate = 16000;              // Hz
inline constexpr std::size_t kMels = 80;         // bands, 0 to 8000 Hz on Slaney's scale
inline constexpr std::size_t kFrames = 3000;     // one each 10 ms
inline constexpr std::size_t kSamples = 480000;  // 30 s

// [kMels][kFrames], row by row, of up to 30 s at 16 kHz, padded with silence to 30 s. More than
// `kSamples` is Error{internal}: cutting is the caller's decision.
std::vector<float> log_mel(std::span<const float> samples);

}  // namespace meeting::audio
