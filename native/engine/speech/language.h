// The languages that Whisper knows.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace meeting::speech {

inline constexpr std::size_t kLanguages = 99;

// ISO 639 codes in the order of the vocabulary's language tokens (`<|en|>` is the first).
extern const std::array<std::string_view, kLanguages> kCodes;

// The place in `kCodes` of "zh", "ZH", or a tag with a region or script ("zh-CN", "en_US").
std::optional<std::size_t> language(std::string_view tag);

// Whether words are set apart by spaces, so that two pieces of text are joined with one.
bool spaced(std::string_view code);

}  // namespace meeting::speech
