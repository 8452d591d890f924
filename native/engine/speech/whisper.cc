#include "engine/speech/whisper.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/audio/mel.h"
#include "engine/speech/language.h"
#include "engine/task.h"

namespace meeting::speech {
namespace {

// The wish for simplified script, as the two pre-tokens that a tokenizer makes of the sentence.
constexpr std::array<std::string_view, 2> kMandarin = {"以下是普通话的句子", "。"};

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(Fault::unavailable, "the Whisper model " + reason + "; pull the model again");
}

void read_suppressed(const std::filesystem::path& file, Tokens& tokens) {
    try {
        std::ifstream stream(file);
        const nlohmann::json config = nlohmann::json::parse(stream);
        config.at("suppress_ids").get_to(tokens.never);
        config.at("suppress_ids_begin").get_to(tokens.never_first);
    } catch (const nlohmann::json::exception& error) {
        refuse("has no readable config.json (" + std::string(error.what()) + ")");
    }
}

Tokens read_tokens(const text::Tokenizer& tokenizer, const std::filesystem::path& config) {
    Tokens tokens;
    tokens.end = tokenizer.special("<|endoftext|>");
    tokens.start = tokenizer.special("<|startoftranscript|>");
    tokens.transcribe = tokenizer.special("<|transcribe|>");
    tokens.previous = tokenizer.special("<|startofprev|>");
    tokens.silence = tokenizer.special("<|nospeech|>");
    tokens.plain = tokenizer.special("<|notimestamps|>");
    tokens.time = tokenizer.special("<|0.00|>");
    tokens.language = tokenizer.special("<|" + std::string(kCodes[0]) + "|>");
    for (std::size_t i = 0; i < kLanguages; ++i) {
        const auto id = tokenizer.special("<|" + std::string(kCodes[i]) + "|>");
        if (id != tokens.language + static_cast<std::int64_t>(i)) {
            refuse("has its languages in another order");
        }
    }
    for (const std::string_view word : kMandarin) {
        const auto ids = tokenizer.encode(word);
        tokens.mandarin.insert(tokens.mandarin.end(), ids.begin(), ids.end());
    }
    read_suppressed(config, tokens);
    return tokens;
}

void append(const std::vector<std::string>& names, std::vector<const char*>& out) {
    for (const std::string& name : names) out.push_back(name.c_str());
}

}  // namespace

Whisper::Whisper(onnx::Session encoder, onnx::Session decoder, text::Tokenizer tokenizer)
    : encoder_(std::move(encoder)),
      decoder_(std::move(decoder)),
      tokenizer_(std::move(tokenizer)) {}

Whisper Whisper::create(const Manifest& manifest) {
    auto tokenizer = text::Tokenizer::create(manifest.file("tokenizer"));
    Tokens tokens = read_tokens(tokenizer, manifest.file("config"));
    Whisper made(onnx::Session::create(manifest.file("encoder")),
                 onnx::Session::create(manifest.file("decoder")), std::move(tokenizer));
    made.tokens_ = std::move(tokens);

    Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < made.decoder_.raw().GetInputCount(); ++i) {
        const std::string name = made.decoder_.raw().GetInputNameAllocated(i, allocator).get();
        if (name.starts_with("cross.")) made.cross_.push_back(name);
        if (!name.starts_with("past.")) continue;
        made.past_.push_back(name);
        made.present_.push_back("present." + name.substr(sizeof "past." - 1));
        const auto info = made.decoder_.raw().GetInputTypeInfo(i);
        const auto shape = info.GetTensorTypeAndShapeInfo().GetShape();
        if (shape.size() != 4 || shape[1] < 1 || shape[3] < 1) refuse("has a cache of no size");
        made.heads_ = shape[1];
        made.width_ = shape[3];
    }
    if (made.past_.empty() || made.cross_.size() != made.past_.size()) {
        refuse("has a decoder without cache");
    }
    return made;
}

std::vector<Ort::Value> Whisper::encode(std::span<const float> samples) const {
    constexpr std::array<std::int64_t, 3> kShape = {1, audio::kMels, audio::kFrames};
    std::vector<float> mel = audio::log_mel(samples);
    const std::array<const char*, 1> names = {"input_features"};
    const std::array<Ort::Value, 1> input = {onnx::view(std::span<float>(mel), kShape)};
    std::vector<const char*> outputs;
    append(cross_, outputs);
    return encoder_.run(names, input, outputs);
}

Decoder::Decoder(const Whisper& whisper, std::vector<Ort::Value> heard)
    : whisper_(whisper), input_names_{"input_ids"}, output_names_{"logits"} {
    append(whisper.past_, input_names_);
    append(whisper.cross_, input_names_);
    append(whisper.present_, output_names_);
    inputs_.reserve(1 + whisper.past_.size() + heard.size());
    for (std::size_t i = 0; i <= whisper.past_.size(); ++i) inputs_.emplace_back(nullptr);
    for (Ort::Value& value : heard) inputs_.push_back(std::move(value));
    reset();
}

void Decoder::reset() {
    static float nothing = 0;  // an empty tensor, too, wants an address
    const std::array<std::int64_t, 4> shape = {1, whisper_.heads_, 0, whisper_.width_};
    for (std::size_t i = 0; i < whisper_.past_.size(); ++i) {
        inputs_[1 + i] = onnx::view(std::span<float>(&nothing, 0), shape);
    }
    length_ = 0;
}

std::span<const float> Decoder::step(std::span<const std::int64_t> ids) {
    if (length_ + ids.size() > kMost) {
        throw Error(Fault::internal, "more tokens than the decoder has places for");
    }
    const std::array<std::int64_t, 2> shape = {1, static_cast<std::int64_t>(ids.size())};
    inputs_[0] = onnx::view(ids, shape);
    std::vector<Ort::Value> results = whisper_.decoder_.run(input_names_, inputs_, output_names_);
    length_ += ids.size();
    logits_ = std::move(results[0]);
    for (std::size_t i = 0; i < whisper_.present_.size(); ++i) {
        inputs_[1 + i] = std::move(results[1 + i]);
    }
    const auto info = logits_.GetTensorTypeAndShapeInfo();
    const std::size_t vocabulary = static_cast<std::size_t>(info.GetShape().back());
    const std::size_t count = info.GetElementCount();
    // The last position's row, whether the model gives one row or one for each id.
    return {logits_.GetTensorData<float>() + (count - vocabulary), vocabulary};
}

}  // namespace meeting::speech
