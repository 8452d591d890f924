// What a caller asks for, checked.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "engine/audio/pcm.h"
#include "engine/task.h"

namespace meeting::speech {

struct Request {
    audio::Sound sound;                   // as sent, but mono
    std::string given;                    // the language as the caller wrote it; "" = detect
    std::optional<std::size_t> language;  // its place in `kCodes`
};

// Reads `input` by the parameters format (pcm, wav), sample_rate, channels and language; a WAV
// file's header counts for itself. Needs no model, so that bad input is told from a missing
// model. Throws Error{invalid}.
Request parse(std::span<const std::byte> input, const Params& params);

}  // namespace meeting::speech
