#include "engine/speech/request.h"

#include <charconv>

#include "engine/audio/wav.h"
#include "engine/speech/language.h"
#include "engine/text/utf8.h"

namespace meeting::speech {
namespace {

constexpr std::size_t kMostBytes = 30u << 20;
constexpr std::size_t kMostSeconds = 300;
constexpr std::size_t kQuoted = 32;  // bytes of a bad value that an error repeats

[[noreturn]] void refuse(const std::string& text) { throw Error(Fault::invalid, text); }

std::string lower(std::string_view text) {
    std::string out(text::trimmed(text));
    for (char& letter : out) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return out;
}

std::string parameter(const Params& params, const std::string& name) {
    const auto found = params.find(name);
    return found == params.end() ? std::string() : lower(found->second);
}

std::string shown(const std::string& value) {
    return '"' + text::well_formed(value.substr(0, kQuoted)) + '"';
}

int number(const Params& params, const std::string& name, int low, int high, int otherwise) {
    const std::string text = parameter(params, name);
    if (text.empty()) return otherwise;
    int value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value < low || value > high) {
        refuse(name + ": must be " + std::to_string(low) + " to " + std::to_string(high) +
               ", found " + shown(text));
    }
    return value;
}

}  // namespace

Request parse(std::span<const std::byte> input, const Params& params) {
    Request request;
    const std::string kind = parameter(params, "format");
    audio::Format format;
    if (kind != "wav") {
        format.rate = number(params, "sample_rate", 8000, 192000, 16000);
        format.channels = number(params, "channels", 1, 8, 1);
    }
    if (const auto named = params.find("language"); named != params.end()) {
        request.given = text::trimmed(named->second);
    }
    if (lower(request.given) == "auto") request.given.clear();
    if (!request.given.empty()) {
        request.language = language(request.given);
        if (!request.language) {
            refuse("language: must be an ISO 639-1 code that the model knows, found " +
                   shown(request.given));
        }
    }

    if (input.empty()) refuse("input_data: is empty");
    if (input.size() > kMostBytes) {
        refuse("input_data: must be at most 30 MB, found " + std::to_string(input.size()) +
               " bytes");
    }
    std::span<const std::byte> data = input;
    if (kind == "wav") {
        const audio::Wav wav = audio::parse_wav(input);
        format = wav.format;
        data = wav.data;
        if (data.size() < format.frame()) refuse("format: the WAV file has no samples");
    } else if (!kind.empty() && kind != "pcm") {
        refuse("format: must be pcm or wav, found " + shown(kind));
    } else if (data.size() % format.frame() != 0) {
        refuse("input_data: PCM must be whole frames of 2 bytes a channel, found " +
               std::to_string(data.size()) + " bytes for " + std::to_string(format.channels) +
               " channels");
    }
    const std::size_t frames = data.size() / format.frame();
    if (frames > kMostSeconds * static_cast<std::size_t>(format.rate)) {
        refuse("input_data: must be at most 300 s, found " +
               std::to_string(frames / static_cast<std::size_t>(format.rate)) + " s");
    }
    request.sound = audio::mono(data, format);
    return request;
}

}  // namespace meeting::speech
