#include "engine/speech/logits.h"

#include "engine/task.h"
#include "tests/reference.h"

using namespace meeting;

namespace {

constexpr std::size_t kWidth = 600;

std::vector<std::span<const float>> rows(const std::vector<float>& values) {
    std::vector<std::span<const float>> out;
    for (std::size_t at = 0; at < values.size(); at += kWidth) {
        out.push_back(std::span(values).subspan(at, kWidth));
    }
    return out;
}

}  // namespace

TEST_CASE("confidence is exp of the mean log probability, as numpy computes it") {
    const auto logits = reference::floats("logits");
    std::vector<std::int64_t> tokens;
    for (const float value : reference::floats("picked")) {
        tokens.push_back(static_cast<std::int64_t>(value));
    }
    CHECK_EQ(speech::confidence(rows(logits), tokens),
             doctest::Approx(reference::doubles("confidence_expected").at(0)).epsilon(1e-6));
}

TEST_CASE("the distribution of languages is the softmax over the language tokens alone") {
    const auto logits = reference::floats("logits");
    const auto expected = reference::doubles("languages_expected");
    const auto got = speech::language_distribution(rows(logits)[0], 400, 99);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK_EQ(got[i], doctest::Approx(expected[i]).epsilon(1e-6));
    }
}

TEST_CASE("no tokens are no confidence") { CHECK_EQ(speech::confidence({}, {}), 0.0); }

TEST_CASE("tokens beyond the vocabulary are refused") {
    const std::vector<float> logits(10);
    CHECK_THROWS_AS(speech::log_probability(logits, 10), Error);
    CHECK_THROWS_AS(speech::log_probability(logits, -1), Error);
    CHECK_THROWS_AS(speech::language_distribution(logits, 5, 6), Error);
}
