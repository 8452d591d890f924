#include "engine/speech/piece.h"

#include <algorithm>
#include <limits>

#include "engine/audio/mel.h"

namespace meeting::speech {
namespace {

constexpr std::size_t kMargin = audio::kRate / 2;  // silence kept on each side of a phrase

// A phrase with its share of the silence around it. Neighbours share short pauses between them.
struct Atom {
    Span phrase;
    Span extent;
};

// The step in [begin, end) with the least speech in it and its neighbours.
std::size_t calmest(std::span<const float> probabilities, std::size_t begin, std::size_t end) {
    const auto around = [&](std::size_t i) {
        float sum = 2.0f * probabilities[i];
        if (i > 0) sum += probabilities[i - 1];
        if (i + 1 < probabilities.size()) sum += probabilities[i + 1];
        return sum;
    };
    std::size_t best = begin;
    for (std::size_t i = begin; i < end; ++i) {
        if (around(i) < around(best)) best = i;
    }
    return best;
}

// `phrase` in parts of at most `most` samples.
void shorten(Span phrase, std::span<const float> probabilities, std::size_t most,
             std::vector<Span>& out) {
    while (phrase.size() > most) {
        const std::size_t first = (phrase.begin + most / 2) / kStep;
        const std::size_t last = std::min((phrase.begin + most) / kStep, probabilities.size());
        const std::size_t step = calmest(probabilities, first, last);
        const std::size_t cut = std::min(step * kStep + kStep / 2, phrase.begin + most);
        out.push_back({phrase.begin, cut});
        phrase.begin = cut;
    }
    out.push_back(phrase);
}

std::vector<Atom> atoms(const std::vector<Span>& phrases, std::size_t samples) {
    std::vector<Atom> made;
    for (std::size_t i = 0; i < phrases.size(); ++i) {
        const Span phrase = phrases[i];
        const std::size_t before = i == 0 ? 0 : phrases[i - 1].end;
        const std::size_t after = i + 1 == phrases.size() ? samples : phrases[i + 1].begin;
        // The middle of a pause belongs to one side only, also when its length is odd.
        const std::size_t front = i == 0 ? phrase.begin : (phrase.begin - before + 1) / 2;
        const std::size_t back =
            i + 1 == phrases.size() ? after - phrase.end : (after - phrase.end) / 2;
        made.push_back(
            {phrase,
             {phrase.begin - std::min(front, kMargin), phrase.end + std::min(back, kMargin)}});
    }
    return made;
}

Piece piece(std::span<const Atom> group) {
    Piece made;
    for (const Atom& atom : group) {
        made.phrases.push_back(atom.phrase);
        if (!made.parts.empty() && made.parts.back().end == atom.extent.begin) {
            made.parts.back().end = atom.extent.end;
        } else {
            made.parts.push_back(atom.extent);
        }
    }
    return made;
}

// A cut within 0.1 s costs as much as two more pieces, one of a second hardly anything.
double cost_of_cut(std::size_t pause) {
    return 0.3 / (static_cast<double>(pause) / audio::kRate + 0.05);
}

}  // namespace

std::size_t Piece::size() const {
    std::size_t sum = 0;
    for (const Span& part : parts) sum += part.size();
    return sum;
}

std::vector<float> Piece::samples(std::span<const float> source) const {
    std::vector<float> out;
    out.reserve(size());
    for (const Span& part : parts) {
        const auto stretch = source.subspan(part.begin, part.size());
        out.insert(out.end(), stretch.begin(), stretch.end());
    }
    return out;
}

std::size_t Piece::source(std::size_t offset) const {
    for (const Span& part : parts) {
        if (offset < part.size()) return part.begin + offset;
        offset -= part.size();
    }
    return parts.empty() ? 0 : parts.back().end;
}

std::vector<Piece> divide(std::span<const Span> phrases, std::span<const float> probabilities,
                          std::size_t samples, std::size_t most) {
    std::vector<Span> short_enough;
    // Both margins have to fit beside the longest phrase.
    for (const Span& phrase : phrases) {
        shorten(phrase, probabilities, most - 2 * kMargin, short_enough);
    }
    const std::vector<Atom> all = atoms(short_enough, samples);

    // best[i]: the cheapest division of the atoms before i, whose last piece begins at from[i].
    std::vector<double> best(all.size() + 1, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> from(all.size() + 1, 0);
    best[0] = 0;
    for (std::size_t end = 1; end <= all.size(); ++end) {
        std::size_t length = 0;
        for (std::size_t begin = end; begin-- > 0;) {
            length += all[begin].extent.size();
            if (length > most) break;
            const double cut =
                begin == 0 ? 0.0 : cost_of_cut(all[begin].phrase.begin - all[begin - 1].phrase.end);
            const double cost = best[begin] + 1.0 + cut;
            if (cost < best[end]) {
                best[end] = cost;
                from[end] = begin;
            }
        }
    }
    std::vector<Piece> pieces;
    for (std::size_t end = all.size(); end > 0; end = from[end]) {
        pieces.push_back(piece(std::span(all).subspan(from[end], end - from[end])));
    }
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
}

std::vector<Piece> halve(const Piece& whole, std::span<const float> probabilities,
                         std::size_t least) {
    if (whole.size() < least) return {whole};
    const std::size_t low = whole.source(whole.size() / 4);
    const std::size_t high = whole.source(whole.size() * 3 / 4);
    // The longest pause there; without one, the calmest step.
    std::size_t cut = 0;
    std::size_t longest = 0;
    for (std::size_t i = 0; i + 1 < whole.phrases.size(); ++i) {
        const Span pause{whole.phrases[i].end, whole.phrases[i + 1].begin};
        const std::size_t middle = pause.begin + pause.size() / 2;
        if (middle < low || middle > high || pause.size() <= longest) continue;
        longest = pause.size();
        cut = middle;
    }
    if (longest == 0) {
        cut = calmest(probabilities, low / kStep, std::min(high / kStep, probabilities.size())) *
              kStep;
    }
    std::vector<Piece> halves(2);
    const auto share = [cut](const std::vector<Span>& all, std::vector<Span>& left,
                             std::vector<Span>& right) {
        for (const Span& one : all) {
            if (one.begin < cut) left.push_back({one.begin, std::min(one.end, cut)});
            if (one.end > cut) right.push_back({std::max(one.begin, cut), one.end});
        }
    };
    share(whole.parts, halves[0].parts, halves[1].parts);
    share(whole.phrases, halves[0].phrases, halves[1].phrases);
    return halves;
}

}  // namespace meeting::speech
