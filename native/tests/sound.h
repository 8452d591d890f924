// WAV files for tests, good and bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace meeting {

inline std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

inline std::string little(std::uint64_t value, std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
    return out;
}

struct Header {
    std::uint16_t code = 1;
    std::uint16_t channels = 1;
    std::uint16_t bits = 16;
    std::uint32_t rate = 16000;
    bool extensible = false;
    std::optional<std::uint16_t> align = {};
    std::optional<std::uint32_t> data_size = {};
};

inline std::string wav(const std::string& samples, const Header& header) {
    const std::uint16_t align =
        header.align.value_or(static_cast<std::uint16_t>(header.channels * header.bits / 8));
    std::string format = little(header.extensible ? 0xFFFE : header.code, 2) +
                         little(header.channels, 2) + little(header.rate, 4) +
                         little(std::uint64_t{header.rate} * align, 4) + little(align, 2) +
                         little(header.bits, 2);
    if (header.extensible) {
        format += little(22, 2) + little(header.bits, 2) + little(0, 4) + little(header.code, 2) +
                  std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 14);
    }
    const std::string body =
        "WAVEfmt " + little(format.size(), 4) + format + "data" +
        little(header.data_size.value_or(static_cast<std::uint32_t>(samples.size())), 4) + samples;
    return "RIFF" + little(body.size(), 4) + body;
}

}  // namespace meeting
