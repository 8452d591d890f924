// Whisper's two networks: what was heard, and the next token.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/manifest.h"
#include "engine/onnx.h"
#include "engine/text/tokenizer.h"

namespace meeting::speech {

// The ids that steer the decoder, by their names in the vocabulary.
struct Tokens {
    std::int64_t end = 0;       // of the text
    std::int64_t start = 0;     // of the transcript
    std::int64_t language = 0;  // first of the languages, in the order of `kCodes`
    std::int64_t transcribe = 0;
    std::int64_t previous = 0;              // what follows is text before this window
    std::int64_t silence = 0;               // "nospeech"
    std::int64_t plain = 0;                 // "notimestamps"
    std::int64_t time = 0;                  // 0.00 s, from there on one for each 0.02 s up to 30 s
    std::vector<std::int64_t> never;        // suppressed always
    std::vector<std::int64_t> never_first;  // suppressed as the first token of a text
    std::vector<std::int64_t> mandarin;     // a sentence in simplified script, for `previous`
};

// Loaded once; threads share it.
class Whisper {
 public:
    // The manifest's files are encoder, decoder, tokenizer and config. Throws Error{unavailable}.
    static Whisper create(const Manifest& manifest);

    const Tokens& tokens() const { return tokens_; }
    const text::Tokenizer& tokenizer() const { return tokenizer_; }

    // Hears up to 30 s of 16 kHz sound. Returns the keys and values of all decoder layers over it.
    std::vector<Ort::Value> encode(std::span<const float> samples) const;

 private:
    friend class Decoder;

    Whisper(onnx::Session encoder, onnx::Session decoder, text::Tokenizer tokenizer);

    onnx::Session encoder_;
    onnx::Session decoder_;
    text::Tokenizer tokenizer_;
    Tokens tokens_;
    std::int64_t heads_ = 0;
    std::int64_t width_ = 0;            // of a head
    std::vector<std::string> cross_;    // encoder outputs and decoder inputs
    std::vector<std::string> past_;     // decoder inputs
    std::vector<std::string> present_;  // decoder outputs in the same order
};

// The decoder over one window, with its cache. Belongs to one thread; outlived by its Whisper.
class Decoder {
 public:
    static constexpr std::size_t kMost = 448;  // tokens, prompt and text together

    Decoder(const Whisper& whisper, std::vector<Ort::Value> heard);

    // Reads `ids` after all that was read before and returns the logits of the token after them,
    // valid until the next call. Neither the cache nor the encoder's output is copied here.
    std::span<const float> step(std::span<const std::int64_t> ids);

    // Forgets what was read.
    void reset();

    std::size_t length() const { return length_; }  // tokens read

 private:
    const Whisper& whisper_;
    std::vector<const char*> input_names_;   // ids, past, cross
    std::vector<const char*> output_names_;  // logits, present
    std::vector<Ort::Value> inputs_;         // in the order of their names
    Ort::Value logits_{nullptr};
    std::size_t length_ = 0;
};

}  // namespace meeting::speech
