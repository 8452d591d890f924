#include "engine/audio/mel.h"

#include <cmath>

#include "engine/task.h"
#include "tests/reference.h"

using namespace meeting;

namespace {

double farthest(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
    }
    return most;
}

}  // namespace

TEST_CASE("log-mel of short sound equals numpy's, with silence up to 30 s") {
    const auto mel = audio::log_mel(reference::floats("mel_short"));
    CHECK(farthest(mel, reference::floats("mel_short_expected")) < 1e-4);
}

TEST_CASE("log-mel of full 30 s equals numpy's, mirrored at both ends") {
    const auto sound = reference::floats("mel_short");
    std::vector<float> full(audio::kSamples);
    for (std::size_t i = 0; i < full.size(); ++i) full[i] = sound[i % sound.size()];
    CHECK(farthest(audio::log_mel(full), reference::floats("mel_full_expected")) < 1e-4);
}

TEST_CASE("log-mel of nothing is flat") {
    for (const float value : audio::log_mel({})) CHECK_EQ(value, doctest::Approx(-1.5));
}

TEST_CASE("more than 30 s is refused") {
    const std::vector<float> sound(audio::kSamples + 1);
    CHECK_THROWS_AS(audio::log_mel(sound), Error);
}
