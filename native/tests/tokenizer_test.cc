#include "engine/text/tokenizer.h"

#include <set>

#include "engine/speech/language.h"
#include "engine/task.h"
#include "tests/folder.h"
#include "tests/reference.h"

using namespace meeting;

TEST_CASE("a phrase in each language of the vocabulary has the reference's ids, and comes back") {
    const auto tokenizer = text::Tokenizer::create(reference::file("tokenizer.json"));
    std::set<std::string> codes;
    for (const auto& phrase : reference::parsed("phrases.json")) {
        const auto code = phrase.at("code").get<std::string>();
        CAPTURE(code);
        codes.insert(code);
        const auto ids = phrase.at("ids").get<std::vector<std::int64_t>>();
        CHECK(tokenizer.encode(phrase.at("text").get<std::string>()) == ids);
        CHECK_EQ(tokenizer.decode(ids), phrase.at("text").get<std::string>());
        CHECK_NOTHROW(tokenizer.special("<|" + code + "|>"));
    }
    for (const auto code : speech::kCodes) CHECK(codes.contains(std::string(code)));
    CHECK_EQ(codes.size(), speech::kLanguages);
}

TEST_CASE("half a character is left out, the rest of the text stays") {
    const auto tokenizer = text::Tokenizer::create(reference::file("tokenizer.json"));
    std::vector<std::int64_t> ids;
    for (const char byte : std::string("a\xE4\xBD"
                                       "b\xE4\xBD\xA0")) {
        const auto one = tokenizer.encode(std::string(1, byte));
        ids.insert(ids.end(), one.begin(), one.end());
    }
    CHECK_EQ(tokenizer.decode(ids), "ab\xE4\xBD\xA0");
}

TEST_CASE("special tokens and ids that there are not have no text") {
    const auto tokenizer = text::Tokenizer::create(reference::file("tokenizer.json"));
    const std::vector<std::int64_t> ids = {tokenizer.special("<|zh|>"), -1, 1'000'000'000};
    CHECK_EQ(tokenizer.decode(ids), "");
    CHECK_THROWS_AS(tokenizer.special("<|xx|>"), Error);
}

TEST_CASE("a broken tokenizer.json is an unavailable model, not a crash") {
    const Folder folder;
    const char* const broken[] = {"",
                                  "[]",
                                  "{",
                                  R"({"model":{"vocab":{"a":-1}},"added_tokens":[]})",
                                  R"({"model":{"vocab":{"a":99999999999}},"added_tokens":[]})",
                                  R"({"model":{"vocab":{"a":"b"}},"added_tokens":[]})",
                                  R"({"model":{"vocab":{"好":1}},"added_tokens":[]})",
                                  R"({"model":{"vocab":{}}})"};
    for (const char* content : broken) {
        CAPTURE(content);
        folder.write("tokenizer.json", content);
        try {
            text::Tokenizer::create(folder.path / "tokenizer.json");
            FAIL("was read");
        } catch (const Error& error) {
            CHECK(error.fault() == Fault::unavailable);
        }
    }
}
