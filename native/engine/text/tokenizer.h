// Token ids to text and back, by the byte-level BPE of tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace meeting::text {

// Immutable, so threads may share it.
class Tokenizer {
 public:
    // Reads a tokenizer.json. Throws Error{unavailable} with the reason when it is none.
    static Tokenizer create(const std::filesystem::path& file);

    // The bytes of the text tokens among `ids`; special tokens, timestamps and unknown ids have
    // none. One character may span several tokens, so this is not always well-formed UTF-8.
    std::string bytes(std::span<const std::int64_t> ids) const;

    // The same as well-formed text.
    std::string decode(std::span<const std::int64_t> ids) const;

    // The ids of one pre-token: a run of letters with at most one space before it, or a run of
    // punctuation. Splitting a text into pre-tokens is the caller's part, for it needs all of
    // Unicode's classes, and our prompts are a constant of two pre-tokens.
    std::vector<std::int64_t> encode(std::string_view word) const;

    // The id of "<|zh|>" and the like. Throws Error{unavailable} when the vocabulary lacks it.
    std::int64_t special(std::string_view name) const;

 private:
    std::vector<std::string> tokens_;                    // bytes by id; empty for special tokens
    std::unordered_map<std::string, std::int64_t> ids_;  // by bytes; text tokens only
    std::unordered_map<std::string, std::int64_t> specials_;
};

}  // namespace meeting::text
