#include "server/catalogue.h"

namespace meeting {

using std::chrono_literals::operator""s;

std::vector<Kind> catalogue() {
    return {
        {.task = "speech_recognition",
         .model = "whisper_base",
         .deadline = 120s,
         .parts = {{"silero_vad", "voice_activity"}}},
        {.task = "emotion_detection", .model = "emotion_net", .deadline = 10s},
        {.task = "deepfake_detection", .model = "deepfake_detector", .deadline = 10s},
    };
}

}  // namespace meeting
