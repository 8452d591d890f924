#include "engine/speech/piece.h"

#include <doctest/doctest.h>

#include <random>

using namespace meeting::speech;

namespace {

constexpr std::size_t kSecond = 16000;
constexpr std::size_t kMost = 30 * kSecond;

Span seconds(double begin, double end) {
    return {static_cast<std::size_t>(begin * kSecond), static_cast<std::size_t>(end * kSecond)};
}

std::vector<float> certain(std::size_t samples) {
    return std::vector<float>(samples / kStep + 1, 1.0f);
}

}  // namespace

TEST_CASE("what fits into a window stays in one piece") {
    const std::vector<Span> phrases = {seconds(1, 3), seconds(3.2, 20)};
    const auto pieces = divide(phrases, certain(25 * kSecond), 25 * kSecond, kMost);
    REQUIRE_EQ(pieces.size(), 1);
    CHECK(pieces[0].parts == std::vector<Span>{seconds(0.5, 20.5)});
    CHECK(pieces[0].phrases == phrases);
}

TEST_CASE("no speech gives no piece") {
    CHECK(divide({}, certain(kSecond), kSecond, kMost).empty());
}

TEST_CASE("the cut lies in the middle of the longest pause") {
    const std::vector<Span> phrases = {seconds(0, 14), seconds(14.2, 20), seconds(21, 28),
                                       seconds(28.2, 40)};
    const auto pieces = divide(phrases, certain(40 * kSecond), 40 * kSecond, kMost);
    REQUIRE_EQ(pieces.size(), 2);
    CHECK_EQ(pieces[0].parts.back().end, seconds(0, 20.5).end);
    CHECK_EQ(pieces[1].parts.front().begin, seconds(20.5, 21).begin);
}

TEST_CASE("long silence is left out, half a second of it stays on each side") {
    const std::vector<Span> phrases = {seconds(10, 12), seconds(80, 83)};
    const auto pieces = divide(phrases, certain(200 * kSecond), 200 * kSecond, kMost);
    REQUIRE_EQ(pieces.size(), 1);
    CHECK(pieces[0].parts == std::vector<Span>{seconds(9.5, 12.5), seconds(79.5, 83.5)});
    CHECK_EQ(pieces[0].source(0), seconds(9.5, 0).begin);
    CHECK_EQ(pieces[0].source(3 * kSecond), seconds(79.5, 0).begin);
    CHECK_EQ(pieces[0].source(4 * kSecond), seconds(80.5, 0).begin);
}

TEST_CASE("speech without a pause is cut where it is least likely") {
    std::vector<float> probabilities = certain(50 * kSecond);
    probabilities[26 * kSecond / kStep] = 0.4f;
    const std::vector<Span> phrases = {seconds(0, 50)};
    const auto pieces = divide(phrases, probabilities, 50 * kSecond, kMost);
    REQUIRE_EQ(pieces.size(), 2);
    const double cut = static_cast<double>(pieces[0].parts.back().end) / kSecond;
    CHECK_EQ(cut, doctest::Approx(26.0).epsilon(0.002));
    CHECK_EQ(pieces[0].parts.back().end, pieces[1].parts.front().begin);
}

TEST_CASE("whatever is said is in exactly one piece, and every piece fits") {
    std::mt19937 chance(3);
    for (int round = 0; round < 300; ++round) {
        std::vector<Span> phrases;
        std::size_t at = chance() % (3 * kSecond);
        const std::size_t count = 1 + chance() % 40;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t long_one = chance() % 20 == 0 ? 70 * kSecond : 8 * kSecond;
            const std::size_t end = at + 1600 + chance() % long_one;
            phrases.push_back({at, end});
            at = end + 1600 + chance() % (chance() % 5 == 0 ? 20 * kSecond : kSecond);
        }
        const std::size_t samples = phrases.back().end + chance() % kSecond;
        std::vector<float> probabilities(samples / kStep + 1);
        for (float& value : probabilities) value = static_cast<float>(chance() % 100) / 100.0f;

        const auto pieces = divide(phrases, probabilities, samples, kMost);
        std::size_t said = 0;
        std::size_t last = 0;
        for (const Piece& piece : pieces) {
            CHECK(piece.size() <= kMost);
            for (const Span& part : piece.parts) {
                CHECK(part.begin >= last);
                CHECK(part.end <= samples);
                last = part.end;
            }
            for (const Span& phrase : piece.phrases) {
                said += phrase.size();
                const bool inside = std::any_of(
                    piece.parts.begin(), piece.parts.end(), [&phrase](const Span& part) {
                        return part.begin <= phrase.begin && phrase.end <= part.end;
                    });
                CHECK(inside);
            }
        }
        std::size_t expected = 0;
        for (const Span& phrase : phrases) expected += phrase.size();
        CHECK_EQ(said, expected);
    }
}

TEST_CASE("halves lose nothing; what is short stays whole") {
    const std::vector<Span> phrases = {seconds(0, 4), seconds(5, 9), seconds(9.2, 12)};
    const auto whole = divide(phrases, certain(12 * kSecond), 12 * kSecond, kMost).at(0);
    const auto halves = halve(whole, certain(12 * kSecond), 4 * kSecond);
    REQUIRE_EQ(halves.size(), 2);
    CHECK_EQ(halves[0].parts.back().end, seconds(4.5, 0).begin);
    CHECK_EQ(halves[0].size() + halves[1].size(), whole.size());
    CHECK_EQ(halve(whole, certain(12 * kSecond), 13 * kSecond).size(), 1);
}

TEST_CASE("spans begin with speech, end with a pause, and leave clicks out") {
    std::vector<float> steps(100, 0.0f);
    std::fill(steps.begin() + 10, steps.begin() + 30, 0.9f);
    steps[15] = 0.1f;                                         // too short for a pause
    std::fill(steps.begin() + 20, steps.begin() + 25, 0.4f);  // unsure, but not below
    steps[50] = 0.9f;                                         // a click
    std::fill(steps.begin() + 90, steps.end(), 0.9f);         // up to the end
    const std::size_t samples = 100 * kStep - 7;
    CHECK(spans(steps, samples) ==
          std::vector<Span>{{10 * kStep, 30 * kStep}, {90 * kStep, samples}});
    CHECK(spans({}, 0).empty());
}
