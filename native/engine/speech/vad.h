// Where speech is, by silero-vad.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/manifest.h"
#include "engine/onnx.h"
#include "engine/task.h"

namespace meeting::speech {

// Samples [begin, end).
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;

    std::size_t size() const { return end - begin; }
    bool operator==(const Span&) const = default;
};

inline constexpr std::size_t kStep = 512;  // samples a probability stands for, 32 ms

// Finds the spans of speech in probabilities of one step each, pauses of 0.1 s and more left out.
std::vector<Span> spans(std::span<const float> probabilities, std::size_t samples);

// Threads may share it.
class Vad {
 public:
    static Vad create(const Manifest& manifest);

    // The probability of speech for each step of `samples` (16 kHz); the last step is filled up
    // with silence.
    std::vector<float> run(std::span<const float> samples, const Stop& stop) const;

 private:
    explicit Vad(onnx::Session session) : session_(std::move(session)) {}

    onnx::Session session_;
};

}  // namespace meeting::speech
