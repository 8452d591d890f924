// Raw samples as they come from outside, and their way to mono floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meeting::audio {

// How one sample lies in memory; all are little endian.
enum class Encoding { u8, s16, s24, s32, f32, f64 };

std::size_t width(Encoding encoding);  // bytes of one sample

struct Format {
    Encoding encoding = Encoding::s16;
    int rate = 16000;  // Hz
    int channels = 1;

    std::size_t frame() const { return width(encoding) * static_cast<std::size_t>(channels); }
};

// Mono sound, samples in [-1, 1].
struct Sound {
    std::vector<float> samples;
    int rate = 16000;  // Hz

    std::int64_t duration_ms() const {
        return static_cast<std::int64_t>(samples.size()) * 1000 / rate;
    }
};

// Mixes the interleaved frames of `data` down to one channel; bytes after the last whole frame are
// left out. Channels in opposite phase would cancel out in a mean, so the strongest channel is
// taken where that happens. Throws Error{invalid} for a float that is no finite number.
Sound mono(std::span<const std::byte> data, const Format& format);

}  // namespace meeting::audio
