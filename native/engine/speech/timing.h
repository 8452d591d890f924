// When each sentence of a window was said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/speech/piece.h"
#include "engine/speech/whisper.h"
#include "engine/task.h"

namespace meeting::speech {

struct Sentence {
    std::size_t begin = 0;  // tokens [begin, end)
    std::size_t end = 0;
    Span when;  // of the source
};

// `tokens` cut after each sentence's end.
std::vector<Sentence> sentences(const text::Tokenizer& tokenizer,
                                std::span<const std::int64_t> tokens);

// The sentences of `tokens` with their times. The model itself tells them: it reads the text again
// as one with timestamps and is asked for one before and after each sentence. Text that is decoded
// with timestamps from the start would be worse, for the model then leaves out unfinished sentences
// at the end. Looks at `stop` with every sentence.
std::vector<Sentence> timed(Decoder& decoder, const Whisper& whisper, std::size_t language,
                            std::span<const std::int64_t> tokens, const Piece& piece,
                            const Stop& stop);

// Speech that by these times is in no sentence, each stretch as a piece of its own: the model
// passed over it, because it stopped early or because it was in another language. Short stretches
// are left out, for the times are no better than half a second.
std::vector<Piece> missed(const Piece& piece, std::span<const Sentence> sentences);

// Times close to a pause become that pause: silero is more exact than Whisper.
void snap(const Piece& piece, std::vector<Sentence>& sentences);

}  // namespace meeting::speech
