#include "engine/speech/timing.h"

#include "engine/speech/tally.h"
#include "tests/reference.h"

using namespace meeting;
using namespace meeting::speech;

namespace {

constexpr std::size_t kSecond = 16000;

// Where the sentences of `words` end, each word being some tokens.
std::vector<std::string> cut(const std::vector<std::string>& words) {
    const auto tokenizer = text::Tokenizer::create(reference::file("tokenizer.json"));
    std::vector<std::int64_t> ids;
    for (const std::string& word : words) {
        const auto more = tokenizer.encode(word);
        ids.insert(ids.end(), more.begin(), more.end());
    }
    std::vector<std::string> out;
    for (const Sentence& one : sentences(tokenizer, ids)) {
        out.push_back(tokenizer.decode(std::span(ids).subspan(one.begin, one.end - one.begin)));
    }
    return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("text is cut after each sentence") {
    CHECK(cut({" It", " ended", ".", " Did", " it", "?", " Yes"}) ==
          Texts{" It ended.", " Did it?", " Yes"});
    CHECK(cut({"今", "天", "。", "明", "天", "。"}) == Texts{"今天。", "明天。"});
    CHECK(cut({}).empty());
}

TEST_CASE("points within numbers and marks in a row end no sentence") {
    CHECK(cut({" Take", " 3", ".", "5", " now", "."}) == Texts{" Take 3.5 now."});
    CHECK(cut({" What", "?", "!", " Yes", "."}) == Texts{" What?!", " Yes."});
}

TEST_CASE("speech between two sentences, and after the last, is missed; short stretches are not") {
    Piece piece;
    piece.parts = {{0, 30 * kSecond}};
    piece.phrases = {{1 * kSecond, 5 * kSecond},   {6 * kSecond, 9 * kSecond},
                     {10 * kSecond, 14 * kSecond}, {15 * kSecond, 16 * kSecond},
                     {17 * kSecond, 21 * kSecond}, {22 * kSecond, 26 * kSecond}};
    const std::vector<Sentence> heard = {{0, 1, {1 * kSecond, 5 * kSecond}},
                                         {1, 2, {10 * kSecond, 14 * kSecond}},
                                         {2, 3, {17 * kSecond, 21 * kSecond}}};
    const auto again = missed(piece, heard);
    REQUIRE_EQ(again.size(), 2);
    CHECK(again[0].phrases == std::vector<Span>{{6 * kSecond, 9 * kSecond}});
    CHECK(again[1].phrases == std::vector<Span>{{22 * kSecond, 26 * kSecond}});
    CHECK(again[0].parts.at(0).begin < 6 * kSecond);
    CHECK(again[0].parts.at(0).begin >= 5 * kSecond);
    CHECK(again[1].parts.at(0).end > 26 * kSecond);
}

TEST_CASE("times near a pause become the pause, and stay in order") {
    Piece piece;
    piece.parts = {{0, 20 * kSecond}};
    piece.phrases = {{1000, 5 * kSecond}, {6 * kSecond, 12 * kSecond}};
    std::vector<Sentence> two = {{0, 1, {0, 5 * kSecond + 4000}},
                                 {1, 2, {5 * kSecond + 4000, 12 * kSecond + 100}}};
    snap(piece, two);
    CHECK(two[0].when == Span{1000, 5 * kSecond});
    CHECK(two[1].when == Span{6 * kSecond, 12 * kSecond});
}

TEST_CASE("a window that is sure of its language decides, another one goes with the rest") {
    std::array<double, kLanguages> english{};
    english[0] = 0.95;
    english[1] = 0.05;
    std::array<double, kLanguages> chinese{};
    chinese[1] = 0.99;
    chinese[0] = 0.01;
    std::array<double, kLanguages> unsure{};
    unsure[5] = 0.4;
    unsure[0] = 0.3;
    Tally tally;
    CHECK_EQ(tally.choose(english, 20), 0);
    CHECK_EQ(tally.choose(unsure, 5), 0);
    CHECK_EQ(tally.choose(chinese, 10), 1);
    tally.count(0, 25);
    tally.count(1, 10);
    CHECK_EQ(tally.language(), 0);
    CHECK(tally.probability() > 0.5);
}
