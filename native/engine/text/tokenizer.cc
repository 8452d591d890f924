#include "engine/text/tokenizer.h"

#include <array>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/task.h"
#include "engine/text/utf8.h"

namespace meeting::text {
namespace {

constexpr std::size_t kMostTokens = 1'000'000;

// Byte-level vocabularies write each byte as one printable character: Latin-1's printable ones
// stand for themselves, the others are U+0100 and up in order.
class Alphabet {
 public:
    Alphabet() {
        std::size_t next = 0x100;
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
            bytes_[printable ? byte : next++] = static_cast<int>(byte);
        }
    }

    // Throws std::out_of_range for a character that stands for no byte.
    std::string bytes(std::string_view written) const {
        std::string out;
        while (!written.empty()) {
            const std::size_t size = character(written);
            if (size != 1 && size != 2) throw std::out_of_range("no byte");
            const auto at = [written](std::size_t i) {
                return static_cast<unsigned char>(written[i]);
            };
            const std::size_t code = size == 1 ? at(0) : (at(0) & 0x1Fu) << 6 | (at(1) & 0x3Fu);
            const int byte = bytes_.at(code);
            if (byte < 0) throw std::out_of_range("no byte");
            out.push_back(static_cast<char>(byte));
            written.remove_prefix(size);
        }
        return out;
    }

 private:
    std::array<int, 0x100 + 68> bytes_ = [] {
        std::array<int, 0x100 + 68> none;
        none.fill(-1);
        return none;
    }();
};

}  // namespace

Tokenizer Tokenizer::create(const std::filesystem::path& file) {
    Tokenizer made;
    try {
        std::ifstream stream(file);
        const nlohmann::json parsed = nlohmann::json::parse(stream);
        const Alphabet alphabet;
        const auto place = [&made](std::int64_t id) -> std::string& {
            if (id < 0 || id >= static_cast<std::int64_t>(kMostTokens)) {
                throw std::out_of_range("token id");
            }
            const auto index = static_cast<std::size_t>(id);
            if (index >= made.tokens_.size()) made.tokens_.resize(index + 1);
            return made.tokens_[index];
        };
        for (const auto& [written, id] : parsed.at("model").at("vocab").items()) {
            std::string bytes = alphabet.bytes(written);
            made.ids_.emplace(bytes, id.get<std::int64_t>());
            place(id.get<std::int64_t>()) = std::move(bytes);
        }
        for (const nlohmann::json& token : parsed.at("added_tokens")) {
            const std::int64_t id = token.at("id").get<std::int64_t>();
            made.ids_.erase(place(id));
            place(id).clear();
            made.specials_.emplace(token.at("content").get<std::string>(), id);
        }
    } catch (const std::exception& error) {
        throw Error(Fault::unavailable, "the tokenizer " + file.filename().string() +
                                            " can't be read; pull the model again (" +
                                            error.what() + ")");
    }
    return made;
}

std::string Tokenizer::bytes(std::span<const std::int64_t> ids) const {
    std::string out;
    for (const std::int64_t id : ids) {
        if (id >= 0 && static_cast<std::size_t>(id) < tokens_.size()) {
            out += tokens_[static_cast<std::size_t>(id)];
        }
    }
    return out;
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids) const {
    return well_formed(bytes(ids));
}

std::vector<std::int64_t> Tokenizer::encode(std::string_view word) const {
    // Begin with single bytes and join, again and again, the neighbours that were learned first:
    // ids are in the order of learning.
    std::vector<std::string> parts;
    for (const char byte : word) parts.emplace_back(1, byte);
    while (parts.size() > 1) {
        std::size_t best = 0;
        std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const auto found = ids_.find(parts[i] + parts[i + 1]);
            if (found != ids_.end() && found->second < lowest) {
                lowest = found->second;
                best = i;
            }
        }
        if (lowest == std::numeric_limits<std::int64_t>::max()) break;
        parts[best] += parts[best + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    std::vector<std::int64_t> out;
    for (const std::string& part : parts) {
        const auto found = ids_.find(part);
        if (found == ids_.end()) {
            throw Error(Fault::unavailable, "the vocabulary lacks a single byte");
        }
        out.push_back(found->second);
    }
    return out;
}

std::int64_t Tokenizer::special(std::string_view name) const {
    const auto found = specials_.find(std::string(name));
    if (found == specials_.end()) {
        throw Error(Fault::unavailable, "the vocabulary lacks " + std::string(name));
    }
    return found->second;
}

}  // namespace meeting::text
