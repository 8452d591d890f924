#include "engine/speech/loop.h"

#include <doctest/doctest.h>

#include <vector>

using meeting::speech::before_loop;
using Ids = std::vector<std::int64_t>;

namespace {

Ids repeated(const Ids& front, const Ids& group, std::size_t times) {
    Ids out = front;
    for (std::size_t i = 0; i < times; ++i) out.insert(out.end(), group.begin(), group.end());
    return out;
}

Ids sentence(std::size_t size) {
    Ids out;
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::int64_t>(100 + i));
    return out;
}

}  // namespace

TEST_CASE("a word said ten times over is said once") {
    CHECK_EQ(before_loop(repeated({1, 2, 3}, {7}, 40)), 4);
    CHECK_EQ(before_loop(repeated({1, 2, 3}, {7, 8}, 10)), 5);
}

TEST_CASE("a sentence said five times over is said once") {
    CHECK_EQ(before_loop(repeated({1}, sentence(25), 5)), 26);
}

TEST_CASE("the loop counts from its end, which may be within a group") {
    Ids tokens = repeated({1, 2}, {7, 8, 9}, 12);
    tokens.push_back(7);
    CHECK(before_loop(tokens) < 8);
}

TEST_CASE("people may repeat themselves") {
    CHECK_EQ(before_loop(repeated({1}, {7}, 6)), 7);
    CHECK_EQ(before_loop(repeated({}, sentence(34), 3)), 3 * 34);
    CHECK_EQ(before_loop(repeated({}, sentence(10), 5)), 50);
    CHECK_EQ(before_loop({}), 0);
}

TEST_CASE("repeats that ended are none") {
    Ids tokens = repeated({}, {7}, 40);
    tokens.push_back(8);
    CHECK_EQ(before_loop(tokens), tokens.size());
}
