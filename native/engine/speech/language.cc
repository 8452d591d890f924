#include "engine/speech/language.h"

#include <algorithm>
#include <string>
#include <utility>

namespace meeting::speech {

const std::array<std::string_view, kLanguages> kCodes = {
    "en", "zh", "de", "es",  "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv",
    "it", "id", "hi", "fi",  "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no",
    "th", "ur", "hr", "bg",  "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr",
    "az", "sl", "kn", "et",  "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si",  "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu",
    "am", "yi", "lo", "uz",  "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su"};

namespace {

// Codes in use beside the vocabulary's own.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"cmn", "zh"}, {"nb", "no"}, {"jv", "jw"}, {"iw", "he"}, {"fil", "tl"}, {"ji", "yi"}};

}  // namespace

std::optional<std::size_t> language(std::string_view tag) {
    std::string code(tag.substr(0, tag.find_first_of("-_")));
    for (char& letter : code) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    for (const auto& [other, known] : kAliases) {
        if (code == other) code = known;
    }
    const auto found = std::find(kCodes.begin(), kCodes.end(), code);
    if (found == kCodes.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kCodes.begin());
}

bool spaced(std::string_view code) {
    constexpr std::array<std::string_view, 6> kUnspaced = {"zh", "ja", "th", "lo", "my", "km"};
    return std::find(kUnspaced.begin(), kUnspaced.end(), code) == kUnspaced.end();
}

}  // namespace meeting::speech
