#include "engine/speech/vad.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace meeting::speech {
namespace {

constexpr std::size_t kContext = 64;  // samples of the step before that the model sees again
constexpr std::size_t kState = 2 * 128;
constexpr std::int64_t kHertz = 16000;
constexpr std::size_t kCheck = 256;  // steps between two looks at the stop: 30 ms of work

// Speech begins at the upper threshold and ends below the lower one, for as long as a pause.
constexpr float kBegin = 0.5f;
constexpr float kEnd = 0.35f;
constexpr std::size_t kPause = 3;   // steps
constexpr std::size_t kSpeech = 3;  // steps; less is a click

}  // namespace

std::vector<Span> spans(std::span<const float> probabilities, std::size_t samples) {
    std::vector<Span> found;
    bool speaking = false;
    std::size_t begin = 0;
    std::size_t quiet = 0;  // steps below the lower threshold
    const auto close = [&](std::size_t end) {
        if (end - begin >= kSpeech) {
            found.push_back({begin * kStep, std::min(end * kStep, samples)});
        }
        speaking = false;
    };
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (!speaking) {
            if (probabilities[i] < kBegin) continue;
            speaking = true;
            begin = i;
            quiet = 0;
        } else if (probabilities[i] >= kEnd) {
            quiet = 0;
        } else if (++quiet == kPause) {
            close(i + 1 - kPause);
        }
    }
    if (speaking) close(probabilities.size() - quiet);
    return found;
}

Vad Vad::create(const Manifest& manifest) {
    return Vad(onnx::Session::create(manifest.file("model")));
}

std::vector<float> Vad::run(std::span<const float> samples, const Stop& stop) const {
    constexpr std::array<std::int64_t, 2> kInputShape = {1, kContext + kStep};
    constexpr std::array<std::int64_t, 3> kStateShape = {2, 1, 128};
    constexpr std::array<const char*, 3> kInputs = {"input", "state", "sr"};
    constexpr std::array<const char*, 2> kOutputs = {"output", "stateN"};
    std::array<float, kContext + kStep> input{};
    std::array<float, kState> state{};
    std::array<std::int64_t, 1> rate = {kHertz};
    std::array<Ort::Value, 3> values = {
        onnx::view(std::span<float>(input), kInputShape),
        onnx::view(std::span<float>(state), kStateShape),
        onnx::view(std::span<std::int64_t>(rate), std::span<const std::int64_t>())};

    std::vector<float> probabilities;
    probabilities.reserve((samples.size() + kStep - 1) / kStep);
    for (std::size_t at = 0; at < samples.size(); at += kStep) {
        if (probabilities.size() % kCheck == 0) stop.check();
        std::copy(input.end() - kContext, input.end(), input.begin());
        const auto chunk = samples.subspan(at, std::min(kStep, samples.size() - at));
        const auto end = std::copy(chunk.begin(), chunk.end(), input.begin() + kContext);
        std::fill(end, input.end(), 0.0f);
        std::vector<Ort::Value> outputs = session_.run(kInputs, values, kOutputs);
        probabilities.push_back(*outputs[0].GetTensorData<float>());
        values[1] = std::move(outputs[1]);
    }
    return probabilities;
}

}  // namespace meeting::speech
