// The text of one window, as tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/speech/whisper.h"
#include "engine/task.h"

namespace meeting::speech {

struct Draft {
    std::vector<std::int64_t> tokens;   // text only
    std::vector<double> probabilities;  // `log_probability` of each token
    bool complete = true;  // false: it went on for ever, and was stopped in a loop or at the end
                           // of the decoder's places

    // exp of the mean log probability of the text tokens, by a softmax over the whole vocabulary,
    // before anything was suppressed. 0 without tokens.
    double confidence() const;
    // What the guard leaves of a text that ran into a loop.
    void truncate(std::size_t size);
};

// Decodes greedily without timestamps in the language `language` of `kCodes`; Mandarin is asked
// for in simplified script. Looks at `stop` with every token.
Draft draft(Decoder& decoder, const Tokens& tokens, std::size_t language, const Stop& stop);

}  // namespace meeting::speech
