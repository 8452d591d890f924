#include "engine/audio/pcm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/task.h"

namespace meeting::audio {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are read in place");

template <typename T>
T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);  // frames of a message may be misaligned
    return value;
}

float finite(double value) {
    if (!std::isfinite(value)) {
        throw Error(Fault::invalid, "format: the audio has samples that are not finite numbers");
    }
    return static_cast<float>(std::clamp(value, -1.0, 1.0));
}

float sample(const std::byte* at, Encoding encoding) {
    switch (encoding) {
        case Encoding::u8:
            return static_cast<float>(static_cast<int>(load<std::uint8_t>(at)) - 128) / 128.0f;
        case Encoding::s16:
            return static_cast<float>(load<std::int16_t>(at)) / 32768.0f;
        case Encoding::s24: {
            const std::uint32_t bits = load<std::uint16_t>(at) |
                                       static_cast<std::uint32_t>(load<std::uint8_t>(at + 2)) << 16;
            return static_cast<float>(static_cast<std::int32_t>(bits << 8) / 256) / 8388608.0f;
        }
        case Encoding::s32:
            return static_cast<float>(load<std::int32_t>(at)) / 2147483648.0f;
        case Encoding::f32:
            return finite(load<float>(at));
        case Encoding::f64:
            return finite(load<double>(at));
    }
    throw Error(Fault::internal, "an encoding without a reader");
}

// Writes sample `channel` of each frame into `out`, or adds it.
void channel_into(std::span<const std::byte> data, const Format& format, int channel,
                  std::vector<float>& out) {
    const std::size_t step = format.frame();
    const std::byte* at = data.data() + width(format.encoding) * static_cast<std::size_t>(channel);
    for (float& value : out) {
        value += sample(at, format.encoding);
        at += step;
    }
}

double energy(const std::vector<float>& samples) {
    double sum = 0;
    for (const float value : samples) sum += static_cast<double>(value) * value;
    return sum;
}

}  // namespace

std::size_t width(Encoding encoding) {
    switch (encoding) {
        case Encoding::u8:
            return 1;
        case Encoding::s16:
            return 2;
        case Encoding::s24:
            return 3;
        case Encoding::s32:
        case Encoding::f32:
            return 4;
        case Encoding::f64:
            return 8;
    }
    throw Error(Fault::internal, "an encoding without a width");
}

Sound mono(std::span<const std::byte> data, const Format& format) {
    const std::size_t frames = data.size() / format.frame();
    Sound sound{std::vector<float>(frames, 0.0f), format.rate};
    for (int channel = 0; channel < format.channels; ++channel) {
        channel_into(data, format, channel, sound.samples);
    }
    if (format.channels == 1) return sound;

    const float scale = 1.0f / static_cast<float>(format.channels);
    for (float& value : sound.samples) value *= scale;

    // 1 % of the strongest channel's energy is less than what a mean over 8 channels leaves when
    // only one of them speaks (1/64 of it), so only real cancellation passes.
    constexpr double kCancelled = 0.01;
    const double mixed = energy(sound.samples);
    std::vector<float> best;
    double strongest = 0;
    for (int channel = 0; channel < format.channels; ++channel) {
        std::vector<float> single(frames, 0.0f);
        channel_into(data, format, channel, single);
        const double strength = energy(single);
        if (strength > strongest) {
            strongest = strength;
            best = std::move(single);
        }
    }
    if (mixed < kCancelled * strongest) sound.samples = std::move(best);
    return sound;
}

}  // namespace meeting::audio
