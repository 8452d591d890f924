#include "engine/speech/request.h"

#include <doctest/doctest.h>

#include "engine/speech/language.h"
#include "tests/sound.h"

using namespace meeting;

namespace {

std::string refusal(const std::string& input, const Params& params) {
    try {
        speech::parse(bytes(input), params);
    } catch (const Error& error) {
        CHECK(error.fault() == Fault::invalid);
        return error.what();
    }
    return "";
}

const std::string kSecond(32000, '\1');

}  // namespace

TEST_CASE("without parameters input is 16 kHz mono PCM, language unknown") {
    const auto request = speech::parse(bytes(kSecond), {});
    CHECK_EQ(request.sound.rate, 16000);
    CHECK_EQ(request.sound.samples.size(), 16000);
    CHECK_EQ(request.sound.duration_ms(), 1000);
    CHECK_FALSE(request.language);
}

TEST_CASE("rate and channels are the caller's for PCM, the header's for WAV") {
    const auto pcm = speech::parse(bytes(kSecond),
                                   {{"sample_rate", "8000"}, {"channels", "2"}, {"format", "pcm"}});
    CHECK_EQ(pcm.sound.duration_ms(), 1000);
    const auto file =
        speech::parse(bytes(wav(kSecond, {.rate = 32000})),
                      {{"sample_rate", "8000"}, {"channels", "2"}, {"format", "WAV"}});
    CHECK_EQ(file.sound.duration_ms(), 500);
}

TEST_CASE("a bad parameter is named, with what is allowed and what was found") {
    CHECK_EQ(refusal(kSecond, {{"sample_rate", "0"}}),
             "sample_rate: must be 8000 to 192000, found \"0\"");
    CHECK(refusal(kSecond, {{"sample_rate", "16000.5"}}).starts_with("sample_rate: "));
    CHECK(refusal(kSecond, {{"sample_rate", "99999999999999999999"}}).starts_with("sample_rate: "));
    CHECK(refusal(kSecond, {{"channels", "9"}}).starts_with("channels: "));
    CHECK(refusal(kSecond, {{"channels", "-1"}}).starts_with("channels: "));
    CHECK(refusal(kSecond, {{"language", "klingon"}}).starts_with("language: "));
    CHECK(refusal(kSecond, {{"format", "mp3"}}).starts_with("format: "));
    CHECK(refusal(kSecond, {{"format", "wav"}}).starts_with("format: "));
}

TEST_CASE("a bad value comes back short and well-formed") {
    const std::string text = refusal(kSecond, {{"format", std::string(1000, '\xFF')}});
    CHECK_EQ(text, "format: must be pcm or wav, found \"\"");
}

TEST_CASE("nothing, half a frame and too much are refused") {
    CHECK(refusal("", {}).starts_with("input_data: "));
    CHECK(refusal(wav("", {}), {{"format", "wav"}}).starts_with("format: "));
    CHECK(refusal("abc", {}).starts_with("input_data: "));
    CHECK(refusal("abcd", {{"channels", "3"}}).starts_with("input_data: "));
    const std::string long_one(301u * 16000u, '\x80');
    CHECK(refusal(wav(long_one, {.bits = 8}), {{"format", "wav"}}).find("300 s") !=
          std::string::npos);
    const std::string large((30u << 20) + 2, '\0');
    CHECK(refusal(large, {{"sample_rate", "192000"}}).find("30 MB") != std::string::npos);
}

TEST_CASE("a language may carry a region, and is given back as it came") {
    const auto request = speech::parse(bytes(kSecond), {{"language", " zh-CN "}});
    REQUIRE(request.language);
    CHECK_EQ(speech::kCodes[*request.language], "zh");
    CHECK_EQ(request.given, "zh-CN");
    CHECK_FALSE(speech::parse(bytes(kSecond), {{"language", "auto"}}).language);
}
