#include "engine/audio/wav.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "engine/task.h"
#include "tests/sound.h"

using namespace meeting;
using audio::Encoding;

namespace {

audio::Sound decode(const std::string& file) {
    const auto wav = audio::parse_wav(bytes(file));
    return audio::mono(wav.data, wav.format);
}

std::string refusal(const std::string& file) {
    try {
        audio::parse_wav(bytes(file));
    } catch (const Error& error) {
        CHECK(error.fault() == Fault::invalid);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("every kind of sample reads as the same sound") {
    // 0, 1/2, -1/2 in each form.
    struct Form {
        std::uint16_t code;
        std::uint16_t bits;
        std::string samples;
    };
    const Form forms[] = {
        {1, 8, std::string("\x80\xC0\x40", 3)},
        {1, 16, little(0, 2) + little(0x4000, 2) + little(0xC000, 2)},
        {1, 24, little(0, 3) + little(0x400000, 3) + little(0xC00000, 3)},
        {1, 32, little(0, 4) + little(0x40000000, 4) + little(0xC0000000, 4)},
        {3, 32, little(0, 4) + little(0x3F000000, 4) + little(0xBF000000, 4)},
        {3, 64, little(0, 8) + little(0x3FE0000000000000, 8) + little(0xBFE0000000000000, 8)},
    };
    for (const Form& form : forms) {
        for (const bool extensible : {false, true}) {
            CAPTURE(form.code);
            CAPTURE(form.bits);
            CAPTURE(extensible);
            const auto sound = decode(wav(
                form.samples,
                {.code = form.code, .bits = form.bits, .rate = 44100, .extensible = extensible}));
            CHECK_EQ(sound.rate, 44100);
            REQUIRE_EQ(sound.samples.size(), 3);
            CHECK_EQ(sound.samples[0], doctest::Approx(0.0));
            CHECK_EQ(sound.samples[1], doctest::Approx(0.5));
            CHECK_EQ(sound.samples[2], doctest::Approx(-0.5));
        }
    }
}

TEST_CASE("channels are averaged") {
    const auto sound = decode(wav(little(0x4000, 2) + little(0x2000, 2), {.channels = 2}));
    REQUIRE_EQ(sound.samples.size(), 1);
    CHECK_EQ(sound.samples[0], doctest::Approx(0.375));
}

TEST_CASE("channels in opposite phase don't silence each other") {
    std::string samples;
    for (int i = 0; i < 100; ++i) samples += little(0x3000, 2) + little(0xD000, 2);
    CHECK_EQ(decode(wav(samples, {.channels = 2})).samples[50], doctest::Approx(0.375));
}

TEST_CASE("one speaking channel of eight is averaged, not taken for cancellation") {
    std::string samples;
    for (int i = 0; i < 100; ++i) {
        samples += little(0x4000, 2) + std::string(14, '\0');
    }
    CHECK_EQ(decode(wav(samples, {.channels = 8})).samples[50], doctest::Approx(0.0625));
}

TEST_CASE("other chunks, of odd size too, are passed over") {
    std::string file = wav(little(0x4000, 2), {});
    file.insert(12, "LIST" + little(3, 4) + "abc" + std::string(1, '\0'));
    CHECK_EQ(decode(file).samples.at(0), doctest::Approx(0.5));
}

TEST_CASE("samples end where the file ends, whatever the header claims") {
    const std::string samples = little(0x4000, 2) + little(0x4000, 2);
    for (const std::uint32_t size : {0xFFFFFFFFu, 0x7FFFFFFFu, 1000u, 5u}) {
        CAPTURE(size);
        CHECK_EQ(decode(wav(samples, {.data_size = size})).samples.size(), 2);
    }
    CHECK_EQ(decode(wav(samples + "x", {})).samples.size(), 2);  // half a sample is none
    CHECK_EQ(decode(wav("", {})).samples.size(), 0);
}

TEST_CASE("headers that lie are refused with what is wrong") {
    const std::string one = little(0x4000, 2);
    CHECK(refusal(wav(one, {.rate = 0})).find("found 0") != std::string::npos);
    CHECK(refusal(wav(one, {.rate = 0xFFFFFFFF})).find("rate") != std::string::npos);
    CHECK(refusal(wav(one, {.channels = 65535})).find("65535") != std::string::npos);
    CHECK(refusal(wav(one, {.channels = 0})).find("channels") != std::string::npos);
    CHECK(refusal(wav(one, {.bits = 12})).find("12 bits") != std::string::npos);
    CHECK(refusal(wav(one, {.bits = 0})).find("0 bits") != std::string::npos);
    CHECK(refusal(wav(one, {.code = 3, .bits = 16})).find("float") != std::string::npos);
    CHECK(refusal(wav(one, {.code = 0x55})).find("85") != std::string::npos);  // MP3 in WAV
    CHECK(refusal(wav(one, {.align = 7})).find("frame size") != std::string::npos);
}

TEST_CASE("what is no WAV file is refused, at every length of one") {
    const std::string file = wav(little(0x4000, 2), {.extensible = true});
    const std::size_t header = file.size() - 2;
    for (std::size_t size = 0; size < header; ++size) {
        CAPTURE(size);
        CHECK(refusal(file.substr(0, size)).starts_with("format: "));
    }
    CHECK(refusal("RIFX" + file.substr(4)).starts_with("format: "));
    CHECK(refusal(std::string(100000, 'R')).starts_with("format: "));
}

TEST_CASE("floats that are no numbers are refused, too loud ones are clipped") {
    const auto number = [](float value) { return little(std::bit_cast<std::uint32_t>(value), 4); };
    const Header header{.code = 3, .bits = 32};
    CHECK_THROWS_AS(decode(wav(number(std::nanf("")), header)), Error);
    CHECK_THROWS_AS(decode(wav(number(std::numeric_limits<float>::infinity()), header)), Error);
    CHECK_EQ(decode(wav(number(1e30f), header)).samples[0], 1.0f);
}

TEST_CASE("no mutation of a header does more than a refusal") {
    std::mt19937 chance(7);
    const std::string good = wav(std::string(64, 'x'), {.extensible = true});
    for (int i = 0; i < 20000; ++i) {
        std::string file = good;
        for (int flips = 0; flips < 3; ++flips) {
            file[chance() % file.size()] = static_cast<char>(chance());
        }
        file.resize(chance() % (file.size() + 1));
        try {
            const auto sound = decode(file);
            CHECK(sound.samples.size() <= file.size());
        } catch (const Error& error) {
            CHECK(error.fault() == Fault::invalid);
        }
    }
}
