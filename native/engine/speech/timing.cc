#include "engine/speech/timing.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "engine/audio/mel.h"

namespace meeting::speech {
namespace {

constexpr std::size_t kTick = audio::kRate / 50;        // samples of a timestamp's step
constexpr std::size_t kNear = audio::kRate * 6 / 10;    // a pause so near is the one meant

bool ends_sentence(std::string_view text) {
    constexpr std::array<std::string_view, 10> kMarks = {".", "!", "?",  "…", "。",
                                                         "！", "？", "؟", "।", "։"};
    return std::any_of(kMarks.begin(), kMarks.end(),
                       [text](std::string_view mark) { return text.ends_with(mark); });
}

// The time with the highest logit among those after `last` and up to `most`.
std::int64_t tick(std::span<const float> logits, std::int64_t first, std::int64_t last,
                  std::int64_t most) {
    std::int64_t best = std::min(last + 1, most);
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
    if (out.empty() || piece.phrases.empty()) return out;
    out.front().when.begin = piece.phrases.front().begin;

    const Tokens& names = whisper.tokens();
    const std::int64_t most = static_cast<std::int64_t>(piece.size() / kTick);
    std::int64_t time = 0;
    std::vector<std::int64_t> ids = {names.start,
                                     names.language + static_cast<std::int64_t>(language),
                                     names.transcribe, names.time};
    decoder.reset();
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        stop.check();
        const auto words = tokens.subspan(out[i].begin, out[i].end - out[i].begin);
        ids.insert(ids.end(), words.begin(), words.end());
        if (decoder.length() + ids.size() > Decoder::kMost) {
            out[i].end = out.back().end;  // no places left: the rest is one segment
            out.resize(i + 1);
            break;
        }
        const std::span<const float> logits = decoder.step(ids);
        time = tick(logits, names.time, time, most);
        ids.assign(2, names.time + time);  // one sentence ends, the next begins

        const std::size_t at = piece.source(static_cast<std::size_t>(time) * kTick);
        Span pause = pause_near(piece, at);
        if (pause.begin <= out[i].when.begin) pause = {at, at};
        out[i].when.end = std::max(pause.begin, out[i].when.begin);
        out[i + 1].when.begin = std::max(pause.end, out[i].when.end);
    }
    Span& last = out.back().when;
    last.end = std::max(piece.phrases.back().end, last.begin);
    return out;
}

}  // namespace meeting::speech
