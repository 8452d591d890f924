#include "engine/text/utf8.h"

#include <cstdint>

namespace meeting::text {

std::size_t character(std::string_view bytes) {
    if (bytes.empty()) return 0;
    const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || bytes.size() < size) return 0;
    std::uint32_t code = first & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
        code = code << 6 | (byte(i) & 0x3Fu);
    }
    // Longer than needed, half of a UTF-16 pair, or beyond Unicode.
    const std::uint32_t lowest = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
    if (code < lowest || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return 0;
    return size;
}

std::string well_formed(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t size = character(bytes);
        text.append(bytes.substr(0, size));
        bytes.remove_prefix(size == 0 ? 1 : size);
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace meeting::text
