// Which language a recording is in, from windows that each have an opinion.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "engine/speech/language.h"

namespace meeting::speech {

// A window that is sure decides for itself, so that a meeting may change its language; one that is
// not goes with all windows so far.
class Tally {
 public:
    // `seconds` of sound with this distribution over `kCodes`; the language to decode it in.
    std::size_t choose(std::span<const double> distribution, double seconds);

    // That many seconds were indeed decoded in `language`, and gave text.
    void count(std::size_t language, double seconds);

    // The language of most of the text; without any, the likeliest one.
    std::size_t language() const;
    // Its mean probability over all windows.
    double probability() const;

 private:
    std::array<double, kLanguages> mean_{};    // not divided by total_
    std::array<double, kLanguages> spoken_{};  // seconds
    double total_ = 0;                         // seconds
};

}  // namespace meeting::speech
