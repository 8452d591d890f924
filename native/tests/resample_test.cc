#include "engine/audio/resample.h"

#include <cmath>
#include <numbers>

#include "engine/task.h"
#include "tests/reference.h"

using namespace meeting;

namespace {

std::vector<float> tone(double hertz, int rate, double seconds) {
    std::vector<float> out(static_cast<std::size_t>(seconds * rate));
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<float>(
            std::sin(2.0 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
    }
    return out;
}

// Level of the inner part against a full sine, in dB: at the ends any filter rings.
double level(const std::vector<float>& sound) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = sound.size() / 10; i < sound.size() * 9 / 10; ++i, ++count) {
        sum += static_cast<double>(sound[i]) * sound[i];
    }
    return 10.0 * std::log10(2.0 * sum / static_cast<double>(count));
}

}  // namespace

TEST_CASE("tones at any rate become the tones that numpy samples at 16 kHz") {
    const auto expected = reference::floats("tones_expected");
    for (const int rate : {8000, 11025, 22050, 32000, 44056, 44100, 48000, 96000, 192000}) {
        CAPTURE(rate);
        const auto got =
            audio::resample(reference::floats("tones_" + std::to_string(rate)), rate, 16000);
        REQUIRE(std::abs(static_cast<double>(got.size()) - 8000.0) <= 1.0);
        double most = 0;
        for (std::size_t i = 800; i < 7200; ++i) {
            most = std::max(most, static_cast<double>(std::abs(got[i] - expected[i])));
        }
        CHECK(most < 1e-4);
    }
}

TEST_CASE("what 16 kHz can't carry is gone instead of folded back") {
    for (const double hertz : {8000.0, 9000.0, 10000.0, 15000.0, 20000.0}) {
        CAPTURE(hertz);
        CHECK(level(audio::resample(tone(hertz, 48000, 1.0), 48000, 16000)) < -80.0);
        CHECK(level(audio::resample(tone(hertz, 44100, 1.0), 44100, 16000)) < -80.0);
    }
}

TEST_CASE("the passband is flat up to 7.2 kHz") {
    for (double hertz = 100.0; hertz <= 7200.0; hertz += 710.0) {
        CAPTURE(hertz);
        CHECK(std::abs(level(audio::resample(tone(hertz, 48000, 1.0), 48000, 16000))) < 0.01);
    }
}

TEST_CASE("upwards there is no image of the tone") {
    const auto got = audio::resample(tone(3000.0, 8000, 1.0), 8000, 16000);
    const auto expected = tone(3000.0, 16000, 1.0);
    std::vector<float> rest(got.size());
    for (std::size_t i = 0; i < got.size(); ++i) rest[i] = got[i] - expected[i];
    CHECK(level(rest) < -80.0);
}

TEST_CASE("length is the duration, rounded up, also of nothing and of one sample") {
    CHECK(audio::resample({}, 48000, 16000).empty());
    CHECK_EQ(audio::resample(std::vector<float>(1), 48000, 16000).size(), 1);
    CHECK_EQ(audio::resample(std::vector<float>(44100), 44100, 16000).size(), 16000);
    CHECK_EQ(audio::resample(std::vector<float>(8001), 8000, 16000).size(), 16002);
    CHECK_EQ(audio::resample(std::vector<float>(191999), 191999, 16000).size(), 16000);
}

TEST_CASE("the same rate changes nothing, a rate of 0 is refused") {
    const auto sound = tone(440.0, 16000, 0.1);
    CHECK(audio::resample(sound, 16000, 16000) == sound);
    CHECK_THROWS_AS(audio::resample(sound, 0, 16000), Error);
}
