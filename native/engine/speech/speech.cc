#include "engine/speech/speech.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/audio/mel.h"
#include "engine/audio/resample.h"
#include "engine/speech/draft.h"
#include "engine/speech/language.h"
#include "engine/speech/logits.h"
#include "engine/speech/loop.h"
#include "engine/speech/piece.h"
#include "engine/speech/request.h"
#include "engine/speech/tally.h"
#include "engine/speech/timing.h"
#include "engine/speech/vad.h"
#include "engine/speech/whisper.h"
#include "engine/text/script.h"
#include "engine/text/utf8.h"

namespace meeting {
namespace {

using nlohmann::json;
using namespace speech;

// A window that the model itself takes for silence, and whose text it hardly believes, is silence.
constexpr double kSilence = 0.6;
constexpr double kUnbelieved = -1.0;  // mean log probability
// Pieces shorter than this are not cut again when the model loops in them.
constexpr std::size_t kLeast = 4 * audio::kRate;

struct Segment {
    Span when;  // samples at 16 kHz
    std::string text;
    std::size_t language = 0;
    double confidence = 0;
    bool repetition = false;
};

std::int64_t milliseconds(std::size_t samples) {
    return static_cast<std::int64_t>(samples) * 1000 / audio::kRate;
}

// Whether there is anything to say aloud in it.
bool has_words(std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = std::max<std::size_t>(text::character(text), 1);
        const std::string_view one = text.substr(0, size);
        const bool letter = size == 1 && std::isalnum(static_cast<unsigned char>(one[0])) != 0;
        if (letter ||
            (size > 1 && one != "…" && one != "♪" && one != "–" && one != "—" && one != "。")) {
            return true;
        }
        text.remove_prefix(size);
    }
    return false;
}

// One recording on its way through the models.
class Hearing {
 public:
    Hearing(const Whisper& whisper, std::span<const float> source,
            std::span<const float> probabilities, std::optional<std::size_t> language,
            const Stop& stop)
        : whisper_(whisper),
          source_(source),
          probabilities_(probabilities),
          given_(language),
          stop_(stop) {}

    // `again`: whether what the model passed over is heard again, by itself.
    void hear(const Piece& piece, bool again = true) {
        stop_.check();
        Decoder decoder(whisper_, whisper_.encode(piece.samples(source_)));
        stop_.check();
        const Tokens& tokens = whisper_.tokens();
        const auto logits = decoder.step(std::span(&tokens.start, 1));
        const double silence = std::exp(log_probability(logits, tokens.silence));
        const double seconds = static_cast<double>(piece.size()) / audio::kRate;
        const auto distribution = language_distribution(logits, tokens.language);
        const std::size_t language = given_ ? *given_ : tally_.choose(distribution, seconds);

        Draft text = draft(decoder, tokens, language, stop_);
        if (!text.complete) {
            // Half of the sound is other sound to the model, and mostly breaks the spell.
            const std::vector<Piece> halves = halve(piece, probabilities_, kLeast);
            if (halves.size() == 2) {
                for (const Piece& half : halves) hear(half, again);
                return;
            }
            text.truncate(before_loop(text.tokens));
        }
        const double confidence = text.confidence();
        if (silence > kSilence && confidence < std::exp(kUnbelieved)) return;
        if (!has_words(whisper_.tokenizer().decode(text.tokens))) return;
        tally_.count(language, seconds);
        std::vector<Sentence> parts = timed(decoder, whisper_, language, text.tokens, piece, stop_);
        const std::vector<Piece> rest = again ? missed(piece, parts) : std::vector<Piece>();
        snap(piece, parts);
        keep(text, parts, language);
        for (const Piece& one : rest) hear(one, false);
    }

    json result(const Request& request);

 private:
    void keep(const Draft& text, const std::vector<Sentence>& sentences, std::size_t language) {
        for (const Sentence& sentence : sentences) {
            const auto begin = static_cast<std::ptrdiff_t>(sentence.begin);
            const auto end = static_cast<std::ptrdiff_t>(sentence.end);
            const Draft part{{text.tokens.begin() + begin, text.tokens.begin() + end},
                             {text.probabilities.begin() + begin, text.probabilities.begin() + end},
                             text.complete};
            std::string words = whisper_.tokenizer().decode(part.tokens);
            if (kCodes[language] == "zh") words = text::simplified(words);
            segments_.push_back(
                {sentence.when, std::move(words), language, part.confidence(), !part.complete});
        }
        sum_ += std::log(text.confidence()) * static_cast<double>(text.tokens.size());
        count_ += text.tokens.size();
    }

    const Whisper& whisper_;
    std::span<const float> source_;
    std::span<const float> probabilities_;
    std::optional<std::size_t> given_;
    const Stop& stop_;
    Tally tally_;
    std::vector<Segment> segments_;
    double sum_ = 0;  // of log probabilities
    std::size_t count_ = 0;
};

json Hearing::result(const Request& request) {
    // What was heard again comes later than what was said after it.
    std::stable_sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) {
        return a.when.begin < b.when.begin;
    });
    std::string whole;
    bool spaced_before = false;
    json segments = json::array();
    for (const Segment& segment : segments_) {
        const std::string_view trimmed = text::trimmed(segment.text);
        if (trimmed.empty()) continue;
        const bool spaces = spaced(kCodes[segment.language]);
        if (!whole.empty() && (spaces || spaced_before)) whole += ' ';
        spaced_before = spaces;
        whole += trimmed;
        json one = {{"start_ms", milliseconds(segment.when.begin)},
                    {"end_ms", milliseconds(segment.when.end)},
                    {"text", trimmed},
                    {"confidence", segment.confidence}};
        if (segment.repetition) one["repetition"] = true;
        segments.push_back(std::move(one));
    }
    json out = {{"text", whole},
                {"confidence", count_ == 0 ? 0.0 : std::exp(sum_ / static_cast<double>(count_))},
                {"language", request.given},
                {"duration_ms", request.sound.duration_ms()},
                {"segments", std::move(segments)}};
    if (!given_) {
        out["language"] = segments_.empty() ? "" : kCodes[tally_.language()];
        out["language_probability"] = tally_.probability();
    }
    return out;
}

class Recognizer : public Task {
 public:
    Recognizer(Whisper whisper, Vad vad) : whisper_(std::move(whisper)), vad_(std::move(vad)) {}

    json run(std::span<const std::byte> input, const Params& params, const Stop& stop) override {
        Request request = parse(input, params);
        stop.check();
        const std::vector<float> source =
            audio::resample(request.sound.samples, request.sound.rate, audio::kRate);
        const std::vector<float> probabilities = vad_.run(source, stop);
        Hearing hearing(whisper_, source, probabilities, request.language, stop);
        for (const Piece& piece : divide(spans(probabilities, source.size()), probabilities,
                                         source.size(), audio::kSamples)) {
            hearing.hear(piece);
        }
        return hearing.result(request);
    }

 private:
    const Whisper whisper_;
    const Vad vad_;
};

}  // namespace

std::unique_ptr<Task> Speech::create(const Manifest& whisper, const Manifest& vad) {
    return std::make_unique<Recognizer>(Whisper::create(whisper), Vad::create(vad));
}

}  // namespace meeting
