// Sound of any length in pieces that fit the model's window.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/speech/vad.h"

namespace meeting::speech {

// What is heard at once: stretches of the source, one after the other, with long silence between
// them left out.
struct Piece {
    std::vector<Span> parts;    // of the source, in order, with some of the pauses around speech
    std::vector<Span> phrases;  // the speech inside of them

    std::size_t size() const;
    std::vector<float> samples(std::span<const float> source) const;
    // The place in the source of sample `offset` of the piece.
    std::size_t source(std::size_t offset) const;
};

// Puts the phrases into as few pieces of at most `most` samples as good pauses allow: each piece
// costs, each cut costs the more the shorter its pause is, and the cheapest division is found.
// Phrases that are themselves too long are cut where speech is least likely. No speech is left out
// and none is in two pieces. Phrases are in order and do not touch.
std::vector<Piece> divide(std::span<const Span> phrases, std::span<const float> probabilities,
                          std::size_t samples, std::size_t most);

// The piece in two at the best pause near its middle; itself alone if it is shorter than `least`.
std::vector<Piece> halve(const Piece& piece, std::span<const float> probabilities,
                         std::size_t least);

}  // namespace meeting::speech
