#include "server/catalogue.h"

#include "engine/speech/request.h"
#include "engine/speech/speech.h"

namespace meeting {

using std::chrono_literals::operator""s;

std::vector<Kind> catalogue(unsigned deadline) {
    return {
        {.task = "speech_recognition",
         .model = "whisper_base",
         .deadline = std::chrono::seconds(deadline),
         .parts = {{"silero_vad", "voice_activity"}},
         .check = [](auto input, const Params& params) { speech::parse(input, params); },
         .load =
             [](const Manifest& whisper, const Kind::Parts& parts) {
                 return Speech::create(whisper, parts.at("silero_vad"));
             }},
        {.task = "emotion_detection", .model = "emotion_net", .deadline = 10s},
        {.task = "deepfake_detection", .model = "deepfake_detector", .deadline = 10s},
    };
}

}  // namespace meeting
