#include "engine/audio/wav.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "engine/task.h"

namespace meeting::audio {
namespace {

constexpr std::size_t kHeader = 12;      // "RIFF", size, "WAVE"
constexpr std::size_t kChunkHeader = 8;  // name, size
constexpr std::size_t kPlainFormat = 16;
constexpr std::size_t kExtensibleFormat = 40;
constexpr std::size_t kMaxChunks = 256;  // before the samples; real files have fewer than ten

constexpr std::uint16_t kPcm = 1;
constexpr std::uint16_t kFloat = 3;
constexpr std::uint16_t kExtensible = 0xFFFE;
// An extensible format is a GUID: two bytes of the plain code, then these fourteen.
constexpr unsigned char kGuidTail[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                         0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(Fault::invalid, "format: " + reason);
}

std::uint32_t number(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
        value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
    }
    return value;
}

bool named(std::span<const std::byte> bytes, std::size_t at, std::string_view name) {
    return std::memcmp(bytes.data() + at, name.data(), name.size()) == 0;
}

Encoding encoding(std::uint16_t code, std::uint32_t bits) {
    if (code == kPcm) {
        switch (bits) {
            case 8:
                return Encoding::u8;
            case 16:
                return Encoding::s16;
            case 24:
                return Encoding::s24;
            case 32:
                return Encoding::s32;
            default:
                refuse("PCM of " + std::to_string(bits) + " bits; 8, 16, 24 or 32 are read");
        }
    }
    if (code == kFloat) {
        if (bits == 32) return Encoding::f32;
        if (bits == 64) return Encoding::f64;
        refuse("float of " + std::to_string(bits) + " bits; 32 or 64 are read");
    }
    refuse("WAV encoding " + std::to_string(code) + " is not read; send PCM or float");
}

Format format(std::span<const std::byte> chunk) {
    if (chunk.size() < kPlainFormat) refuse("the WAV format chunk is too short");
    std::uint16_t code = static_cast<std::uint16_t>(number(chunk, 0, 2));
    const std::uint32_t channels = number(chunk, 2, 2);
    const std::uint32_t rate = number(chunk, 4, 4);
    const std::uint32_t align = number(chunk, 12, 2);
    const std::uint32_t bits = number(chunk, 14, 2);
    if (code == kExtensible) {
        if (chunk.size() < kExtensibleFormat) refuse("the extensible WAV format is too short");
        if (std::memcmp(chunk.data() + 26, kGuidTail, sizeof kGuidTail) != 0) {
            refuse("the extensible WAV format is neither PCM nor float");
        }
        code = static_cast<std::uint16_t>(number(chunk, 24, 2));
    }
    if (rate < 8000 || rate > 192000) {
        refuse("the WAV header's rate must be 8000 to 192000, found " + std::to_string(rate));
    }
    if (channels < 1 || channels > 8) {
        refuse("the WAV header's channels must be 1 to 8, found " + std::to_string(channels));
    }
    Format found{encoding(code, bits), static_cast<int>(rate), static_cast<int>(channels)};
    if (align != found.frame()) {
        refuse("the WAV header's frame size contradicts its channels and bits");
    }
    return found;
}

}  // namespace

Wav parse_wav(std::span<const std::byte> file) {
    if (file.size() < kHeader || !named(file, 0, "RIFF") || !named(file, 8, "WAVE")) {
        refuse("not a WAV file (no RIFF/WAVE header)");
    }
    std::optional<Format> found;
    std::size_t at = kHeader;
    for (std::size_t chunks = 0; file.size() - at >= kChunkHeader; ++chunks) {
        if (chunks == kMaxChunks) refuse("the WAV file has too many chunks before its samples");
        const std::size_t size = number(file, at + 4, 4);
        const std::size_t body = at + kChunkHeader;
        const std::size_t held = std::min(size, file.size() - body);
        if (named(file, at, "fmt ")) {
            found = format(file.subspan(body, held));
        } else if (named(file, at, "data")) {
            if (!found) refuse("the WAV file has samples before its format");
            return {*found, file.subspan(body, held)};
        }
        const std::size_t padded = held + (held & 1u);  // chunks begin at even places
        at = std::min(body + padded, file.size());
    }
    refuse(found ? "the WAV file has no samples" : "the WAV file has no format chunk");
}

}  // namespace meeting::audio
