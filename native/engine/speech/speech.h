// The task speech_recognition: from sound to a transcript.
#pragma once

#include <memory>

#include "engine/manifest.h"
#include "engine/task.h"

namespace meeting {

class Speech {
 public:
    // `whisper` is a model of the task speech_recognition, `vad` one of voice_activity. Loads both.
    // Throws Error{unavailable} with the reason.
    //
    // The task answers {text, confidence, language, language_probability, duration_ms, segments}:
    // segments [{start_ms, end_ms, text, confidence}], in order, with `repetition: true` where the
    // model ran into a loop and what it repeated is given once. confidence is exp of the mean log
    // probability of the text tokens, from the raw logits. Where no speech is heard, text is "",
    // confidence 0, segments [].
    static std::unique_ptr<Task> create(const Manifest& whisper, const Manifest& vad);
};

}  // namespace meeting
