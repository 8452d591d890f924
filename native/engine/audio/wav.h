// The WAV container.
#pragma once

#include <cstddef>
#include <span>

#include "engine/audio/pcm.h"

namespace meeting::audio {

struct Wav {
    Format format;
    std::span<const std::byte> data;  // the samples, inside the file that was given
};

// Reads the header of `file`: PCM of 8, 16, 24 and 32 bits, float of 32 and 64, plain and
// extensible. Nothing that the header says is believed before it is checked. A data chunk that
// claims more than there is (a stream's size of -1, a cut file) ends where the file ends.
// Throws Error{invalid} with a text that begins with "format:".
Wav parse_wav(std::span<const std::byte> file);

}  // namespace meeting::audio
