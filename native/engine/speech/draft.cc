#include "engine/speech/draft.h"

#include <cmath>
#include <numeric>

#include "engine/speech/language.h"
#include "engine/speech/logits.h"
#include "engine/speech/loop.h"

namespace meeting::speech {
namespace {

constexpr std::size_t kLook = 8;  // tokens between two looks for a loop

// The text tokens and the end of text, but for those that the model's configuration suppresses.
std::vector<bool> choices(const Tokens& tokens) {
    std::vector<bool> allowed(static_cast<std::size_t>(tokens.end) + 1, true);
    for (const std::int64_t id : tokens.never) {
        if (id >= 0 && id < tokens.end) allowed[static_cast<std::size_t>(id)] = false;
    }
    return allowed;
}

std::int64_t best(std::span<const float> logits, const std::vector<bool>& allowed) {
    std::size_t found = allowed.size();
    for (std::size_t id = 0; id < allowed.size(); ++id) {
        if (allowed[id] && (found == allowed.size() || logits[id] > logits[found])) found = id;
    }
    return static_cast<std::int64_t>(found);
}

std::vector<std::int64_t> prompt(const Tokens& tokens, std::size_t language) {
    std::vector<std::int64_t> ids;
    if (kCodes[language] == "zh") {
        ids.push_back(tokens.previous);
        ids.insert(ids.end(), tokens.mandarin.begin(), tokens.mandarin.end());
    }
    ids.insert(ids.end(), {tokens.start, tokens.language + static_cast<std::int64_t>(language),
                           tokens.transcribe, tokens.plain});
    return ids;
}

}  // namespace

double Draft::confidence() const {
    if (probabilities.empty()) return 0.0;
    const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
    return std::exp(sum / static_cast<double>(probabilities.size()));
}

void Draft::truncate(std::size_t size) {
    tokens.resize(size);
    probabilities.resize(size);
}

Draft draft(Decoder& decoder, const Tokens& tokens, std::size_t language, const Stop& stop) {
    decoder.reset();
    std::span<const float> logits = decoder.step(prompt(tokens, language));
    if (logits.size() <= static_cast<std::size_t>(tokens.end)) {
        throw Error(Fault::internal, "the decoder's vocabulary is smaller than the tokenizer's");
    }
    const std::vector<bool> allowed = choices(tokens);
    std::vector<bool> first = allowed;
    for (const std::int64_t id : tokens.never_first) {
        if (id >= 0 && id <= tokens.end) first[static_cast<std::size_t>(id)] = false;
    }

    Draft out;
    while (true) {
        stop.check();
        const std::int64_t token = best(logits, out.tokens.empty() ? first : allowed);
        if (token == tokens.end) break;
        out.tokens.push_back(token);
        out.probabilities.push_back(log_probability(logits, token));
        const bool look = out.tokens.size() % kLook == 0;
        if (decoder.length() == Decoder::kMost ||
            (look && before_loop(out.tokens) < out.tokens.size())) {
            out.complete = false;
            break;
        }
        logits = decoder.step(std::span(&token, 1));
    }
    return out;
}

}  // namespace meeting::speech
