#include "engine/speech/timing.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/audio/mel.h"

namespace meeting::speech {
namespace {

constexpr std::size_t kTick = audio::kRate / 50;       // samples of a timestamp's step
constexpr std::size_t kNear = audio::kRate * 6 / 10;   // a pause so near is the one meant
constexpr std::size_t kMissed = audio::kRate * 3 / 2;  // speech that is worth a second hearing
constexpr std::size_t kEdge = audio::kRate / 4;        // silence beside it

bool ends_sentence(std::string_view text) {
    constexpr std::array<std::string_view, 10> kMarks = {".",  "!",  "?", "…", "。",
                                                         "！", "？", "؟", "।", "։"};
    return std::any_of(kMarks.begin(), kMarks.end(),
                       [text](std::string_view mark) { return text.ends_with(mark); });
}

// The time with the highest logit from `least` to `most`.
std::int64_t tick(std::span<const float> logits, std::int64_t first, std::int64_t least,
                  std::int64_t most) {
    std::int64_t best = std::min(least, most);
    for (std::int64_t id = best; id <= most; ++id) {
        if (logits[static_cast<std::size_t>(first + id)] >
            logits[static_cast<std::size_t>(first + best)]) {
            best = id;
        }
    }
    return best;
}

// The pause between two phrases nearest to `at`, or nothing between `at` and `at`.
Span pause_near(const Piece& piece, std::size_t at) {
    Span best{at, at};
    std::size_t nearest = kNear + 1;
    for (std::size_t i = 0; i + 1 < piece.phrases.size(); ++i) {
        const Span pause{piece.phrases[i].end, piece.phrases[i + 1].begin};
        const std::size_t distance = at < pause.begin ? pause.begin - at
                                     : at > pause.end ? at - pause.end
                                                      : 0;
        if (distance >= nearest) continue;
        nearest = distance;
        best = pause;
    }
    return best;
}

}  // namespace

std::vector<Sentence> sentences(const text::Tokenizer& tokenizer,
                                std::span<const std::int64_t> tokens) {
    std::vector<Sentence> out;
    std::string text;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        text += tokenizer.bytes(tokens.subspan(i, 1));
        const bool last = i + 1 == tokens.size();
        if (!last) {
            if (!ends_sentence(text)) continue;
            // "3.5" and "e.g." go on without a space; Chinese marks need none.
            const std::string next = tokenizer.bytes(tokens.subspan(i + 1, 1));
            const bool wide = static_cast<unsigned char>(text.back()) >= 0x80;
            if (!wide && !next.starts_with(' ')) continue;
            if (ends_sentence(next) && !next.starts_with(' ')) continue;  // "?!"
        }
        out.push_back({begin, i + 1, {}});
        begin = i + 1;
        text.clear();
    }
    return out;
}

std::vector<Sentence> timed(Decoder& decoder, const Whisper& whisper, std::size_t language,
                            std::span<const std::int64_t> tokens, const Piece& piece,
                            const Stop& stop) {
    std::vector<Sentence> out = sentences(whisper.tokenizer(), tokens);
    const Tokens& names = whisper.tokens();
    const std::int64_t most = static_cast<std::int64_t>(piece.size() / kTick);
    const auto source = [&piece](std::int64_t time) {
        return piece.source(static_cast<std::size_t>(time) * kTick);
    };
    decoder.reset();
    std::vector<std::int64_t> ids = {
        names.start, names.language + static_cast<std::int64_t>(language), names.transcribe};
    std::int64_t time = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        stop.check();
        const auto words = tokens.subspan(out[i].begin, out[i].end - out[i].begin);
        if (decoder.length() + ids.size() + 1 + words.size() > Decoder::kMost) {
            // No places left: the rest is one segment with the last sentence that had one.
            const Sentence rest = out.back();
            out.resize(std::max<std::size_t>(i, 1));
            out.back().end = rest.end;
            out.back().when.end = source(most);
            break;
        }
        time = tick(decoder.step(ids), names.time, time, most);
        out[i].when.begin = source(time);
        ids.assign(1, names.time + time);
        ids.insert(ids.end(), words.begin(), words.end());
        time = tick(decoder.step(ids), names.time, time + 1, most);
        out[i].when.end = std::max(source(time), out[i].when.begin);
        ids.assign(1, names.time + time);
    }
    return out;
}

std::vector<Piece> missed(const Piece& piece, std::span<const Sentence> sentences) {
    std::vector<Piece> out;
    const std::vector<Span>& phrases = piece.phrases;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= sentences.size(); ++i) {
        const std::size_t to = i < sentences.size() ? sentences[i].when.begin : SIZE_MAX;
        const auto inside = [&](const Span& phrase) {
            return phrase.begin >= from && phrase.end <= to;
        };
        const auto first = std::find_if(phrases.begin(), phrases.end(), inside);
        const auto last = std::find_if_not(first, phrases.end(), inside);
        std::size_t speech = 0;
        for (auto phrase = first; phrase != last; ++phrase) speech += phrase->size();
        if (speech >= kMissed) {
            const std::size_t before =
                first == phrases.begin() ? piece.parts.front().begin : (first - 1)->end;
            const std::size_t after = last == phrases.end() ? piece.parts.back().end : last->begin;
            const std::size_t begin =
                std::max(before, first->begin - std::min(kEdge, first->begin));
            const std::size_t end = std::min(after, (last - 1)->end + kEdge);
            out.push_back({{{begin, end}}, {first, last}});
        }
        if (i < sentences.size()) from = sentences[i].when.end;
    }
    return out;
}

void snap(const Piece& piece, std::vector<Sentence>& sentences) {
    if (sentences.empty() || piece.phrases.empty()) return;
    const auto near = [](std::size_t a, std::size_t b) { return (a > b ? a - b : b - a) <= kNear; };
    std::size_t last = 0;
    for (Sentence& sentence : sentences) {
        Span& when = sentence.when;
        const Span front = pause_near(piece, when.begin);
        const Span back = pause_near(piece, when.end);
        when.begin = std::max(front.end, last);
        when.end = std::max(back.begin > when.begin ? back.begin : when.end, when.begin);
        last = when.end;
    }
    Span& first = sentences.front().when;
    const std::size_t begin = piece.phrases.front().begin;
    if (near(first.begin, begin) && begin < first.end) first.begin = begin;
    Span& end = sentences.back().when;
    if (near(end.end, piece.phrases.back().end)) {
        end.end = std::max(piece.phrases.back().end, end.begin);
    }
}

}  // namespace meeting::speech
