#include "server/base64.h"

#include <array>
#include <cstdint>

namespace meeting {
namespace {

constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> table() {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNone);
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t index = 0; index < alphabet.size(); ++index) {
        values[static_cast<std::uint8_t>(alphabet[index])] = static_cast<std::uint8_t>(index);
    }
    return values;
}

constexpr std::array<std::uint8_t, 256> kValues = table();

}  // namespace

std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    text.remove_suffix(padding);
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    unsigned held = 0;  // bits that `bits` holds beyond whole bytes
    for (const char letter : text) {
        const std::uint8_t value = kValues[static_cast<std::uint8_t>(letter)];
        if (value == kNone) {
            return std::nullopt;
        }
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes.push_back(static_cast<std::byte>(bits >> held & 0xff));
        }
    }
    // What remains of the last letter has to be zero, or two texts would mean the same bytes.
    if ((bits & ((1U << held) - 1)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace meeting
