#include "engine/speech/logits.h"

#include "engine/speech/draft.h"
#include "engine/speech/language.h"
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
    const auto picked = reference::floats("picked");
    const auto all = rows(logits);
    REQUIRE(all.size() == picked.size());
    speech::Draft draft;
    for (std::size_t i = 0; i < all.size(); ++i) {
        draft.tokens.push_back(static_cast<std::int64_t>(picked[i]));
        draft.probabilities.push_back(speech::log_probability(all[i], draft.tokens.back()));
    }
    CHECK_EQ(draft.confidence(),
             doctest::Approx(reference::doubles("confidence_expected").at(0)).epsilon(1e-6));
}

TEST_CASE("the distribution of languages is the softmax over the language tokens alone") {
    const auto logits = reference::floats("logits");
    const auto expected = reference::doubles("languages_expected");
    const auto got = speech::language_distribution(rows(logits)[0], 400);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK_EQ(got[i], doctest::Approx(expected[i]).epsilon(1e-6));
    }
}

TEST_CASE("no tokens are no confidence") { CHECK_EQ(speech::Draft{}.confidence(), 0.0); }

TEST_CASE("tokens beyond the vocabulary are refused") {
    const std::vector<float> logits(speech::kLanguages + 1);
    CHECK_THROWS_AS(speech::log_probability(logits, 100), Error);
    CHECK_THROWS_AS(speech::log_probability(logits, -1), Error);
    CHECK_NOTHROW(speech::language_distribution(logits, 1));
    CHECK_THROWS_AS(speech::language_distribution(logits, 2), Error);
    CHECK_THROWS_AS(speech::language_distribution(logits, -1), Error);
}
