#include "engine/speech/loop.h"

#include <algorithm>

namespace meeting::speech {
namespace {

constexpr std::size_t kLongest = 48;  // tokens of a group
constexpr std::size_t kFew = 5;       // repeats
constexpr std::size_t kMany = 10;
constexpr std::size_t kLong = 100;  // tokens of all repeats together

}  // namespace

std::size_t before_loop(std::span<const std::int64_t> tokens) {
    const std::size_t size = tokens.size();
    for (std::size_t group = 1; group <= std::min(kLongest, size / kFew); ++group) {
        // How far back each token equals the one a group earlier.
        std::size_t same = 0;
        while (same + group < size && tokens[size - 1 - same] == tokens[size - 1 - same - group]) {
            ++same;
        }
        const std::size_t repeats = 1 + same / group;
        if (repeats >= kMany || (repeats >= kFew && repeats * group >= kLong)) {
            return size - (repeats - 1) * group;
        }
    }
    return size;
}

}  // namespace meeting::speech
