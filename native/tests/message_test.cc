#include "server/message.h"

#include <doctest/doctest.h>

#include <random>

#include "server/base64.h"

using meeting::Error;
using meeting::Fault;
using meeting::parse;
using meeting::Parsed;
using nlohmann::json;

namespace {

Parsed one(std::string_view frame) { return parse(std::array{frame}); }
Parsed two(std::string_view header, std::string_view bytes) {
    return parse(std::array{header, bytes});
}

std::string wire(const Parsed& parsed) { return parsed.fault ? parsed.fault->wire() : ""; }

std::string input(const Parsed& parsed) {
    return {reinterpret_cast<const char*>(parsed.request.input.data()),
            parsed.request.input.size()};
}

std::string nested(int levels) {
    return R"({"task_id":"a","x":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') +
           "}";
}

}  // namespace

TEST_CASE("the JSON form carries base64, and unknown keys are ignored at any place") {
    const Parsed parsed = one(R"({"later":{"task_id":["x",{"params":1.5}]},"task_id":"7",
        "task_type":"speech_recognition","model_path":"/models/whisper_base.onnx","params":
        {"language":"en","sample_rate":16000,"gain":-1.50,"none":null},"input_data":"AAEC/w=="})");
    CHECK(wire(parsed) == "");
    CHECK(parsed.request.task_id == "7");
    CHECK(parsed.request.task_type == "speech_recognition");
    CHECK(parsed.request.model_path == "/models/whisper_base.onnx");
    CHECK(parsed.request.params ==
          meeting::Params{{"language", "en"}, {"sample_rate", "16000"}, {"gain", "-1.50"}});
    CHECK(input(parsed) == std::string("\0\1\2\xff", 4));
}

TEST_CASE("the JSON form carries bytes as an array of integers as well") {
    CHECK(input(one(R"({"input_data":[0,1,255]})")) == std::string("\0\1\xff", 3));
    CHECK(input(one(R"({"input_data":[]})")).empty());
}

TEST_CASE("the raw form takes the second frame as it is and no other input") {
    const Parsed parsed = two(R"({"v":1,"task_id":"r","input_data":"AAAA"})", "\xff\xfe{");
    CHECK(wire(parsed) == "");
    CHECK(parsed.request.task_id == "r");
    CHECK(input(parsed) == "\xff\xfe{");
}

TEST_CASE("the raw form wants its version") {
    for (const char* header : {R"({"task_id":"r"})", R"({"v":2,"task_id":"r"})",
                               R"({"v":"1","task_id":"r"})", R"({"x":{"v":1},"task_id":"r"})"}) {
        CAPTURE(header);
        const Parsed parsed = two(header, "");
        CHECK(wire(parsed).starts_with("invalid: message:"));
        CHECK(parsed.request.task_id == "");
    }
}

TEST_CASE("a message that can't be read is told so with an empty task_id") {
    const std::string good = R"({"task_id":"a"})";
    for (const std::string& frame :
         std::vector<std::string>{"",
                                  " ",
                                  "{",
                                  "}",
                                  "[]",
                                  "null",
                                  "1",
                                  "\"text\"",
                                  "true",
                                  "NaN",
                                  "{\"task_id\":\"a\"",
                                  good + good,
                                  good + "x",
                                  std::string("{\"task_id\":\"a\"}\0", 16),
                                  "{'task_id':'a'}",
                                  R"({"task_id":"a","x":NaN})",
                                  R"({"task_id":"a","x":1e999})",
                                  R"({"task_id":"a",})",
                                  "{\"task_id\":\"\xff\"}",
                                  "{\"task_id\":\"\xc0\xaf\"}",
                                  R"({"task_id":"\ud800"})",
                                  "{\"task_id\":\"\xed\xa0\x80\"}",
                                  "{\"task_id\":\"a\nb\"}",
                                  nested(33),
                                  nested(9000),
                                  "\x1f\x8b\x08",
                                  "GET / HTTP/1.1\r\n\r\n"}) {
        CAPTURE(frame.substr(0, 60));
        const Parsed parsed = one(frame);
        CHECK(wire(parsed).starts_with("invalid: message:"));
        CHECK(parsed.request.task_id == "");
    }
    CHECK(wire(parse({})).starts_with("invalid: message:"));
    const std::array<std::string_view, 3> three{"{}", "", ""};
    CHECK(wire(parse(three)).starts_with("invalid: message:"));
}

TEST_CASE("32 levels are read") { CHECK(wire(one(nested(32))) == ""); }

TEST_CASE("a value of the wrong kind names its place, and the task_id is still answered") {
    for (const auto& [frame, place] : std::vector<std::pair<std::string, std::string>>{
             {R"("task_type":5)", "task_type:"},
             {R"("task_type":["ping"])", "task_type:"},
             {R"("model_path":{})", "model_path:"},
             {R"("model_path":true)", "model_path:"},
             {R"("params":[])", "params:"},
             {R"("params":["x"])", "params:"},
             {R"("params":"language=en")", "params:"},
             {R"("params":{"language":["en"]})", "language:"},
             {R"("params":{"sample_rate":{"hz":1}})", "sample_rate:"},
             {R"("params":{"x":false})", "x:"},
             {R"("input_data":"AAA")", "input_data:"},
             {R"("input_data":"AA=A")", "input_data:"},
             {R"("input_data":"AB==")", "input_data:"},
             {R"("input_data":"AA\nA")", "input_data:"},
             {R"("input_data":7)", "input_data:"},
             {R"("input_data":true)", "input_data:"},
             {R"("input_data":{"0":1})", "input_data:"},
             {R"("input_data":[256])", "input_data:"},
             {R"("input_data":[-1])", "input_data:"},
             {R"("input_data":[1.0])", "input_data:"},
             {R"("input_data":["1"])", "input_data:"},
             {R"("input_data":[[1]])", "input_data:"},
             {R"("input_data":[null])", "input_data:"},
             {R"("input_data":[18446744073709551616])", "input_data:"},
         }) {
        CAPTURE(frame);
        const Parsed parsed = one("{" + frame + R"(,"task_id":"late"})");
        CHECK(wire(parsed).starts_with("invalid: " + place));
        CHECK(parsed.request.task_id == "late");
    }
    CHECK(wire(one(R"({"task_id":5})")).starts_with("invalid: task_id:"));
}

TEST_CASE("names and parameters are bounded") {
    const std::string longer(5000, 'x');
    CHECK(wire(one(R"({"task_id":")" + longer + "\"}")).starts_with("invalid: task_id:"));
    CHECK(wire(one(R"({"params":{"p":")" + longer + "\"}}")).starts_with("invalid: p:"));
    std::string many = R"({"params":{"p":1)";
    for (int index = 0; index < 64; ++index) {
        many += ",\"p" + std::to_string(index) + "\":1";
    }
    CHECK(wire(one(many + "}}")).starts_with("invalid: params:"));
}

TEST_CASE("a frame over 40 MB is refused, one of 40 MB is taken") {
    const std::string limit(meeting::kLargestFrame, 'x');
    const std::string header = R"({"v":1,"task_id":"big"})";
    CHECK(two(header, limit).request.input.size() == limit.size());
    CHECK(wire(two(header, limit + "x")).starts_with("invalid: message:"));
}

TEST_CASE("no bytes make the reader throw, and what is no request is never taken for one") {
    std::mt19937 random(20261124);  // fixed: a failure can be repeated
    const std::string seed =
        R"({"v":1,"task_id":"a","params":{"x":1,"y":"\u4e2d"},"input_data":[1,2],"z":[{}]})";
    for (int round = 0; round < 20'000; ++round) {
        std::string frame = seed;
        const int edits = 1 + static_cast<int>(random() % 4);
        for (int edit = 0; edit < edits && !frame.empty(); ++edit) {
            const std::size_t place = random() % frame.size();
            switch (random() % 4) {
                case 0:
                    frame[place] = static_cast<char>(random());
                    break;
                case 1:
                    frame.erase(place, random() % 9);
                    break;
                case 2:
                    frame.insert(place, 1, "{}[]\",:\\\xff"[random() % 9]);
                    break;
                default:
                    frame.resize(place);
            }
        }
        const bool object = json::parse(frame, nullptr, false).is_object();
        CAPTURE(frame);
        CHECK_NOTHROW(two(frame, frame));
        CHECK(one(frame).fault.has_value() >= !object);
    }
}

TEST_CASE("a reply has all five keys, whatever the texts hold") {
    for (const std::string& text : {meeting::success("1", {{"text", "中"}}, 5),
                                    meeting::failure("1", Error(Fault::invalid, "x: \xff"), 5)}) {
        const json reply = json::parse(text);
        CHECK(reply.size() == 5);
        CHECK(reply.at("task_id") == "1");
        CHECK(reply.at("latency") == 5);
    }
    const json good = json::parse(meeting::success("", json::object(), 0));
    CHECK(good.at("status") == "success");
    CHECK(good.at("error") == "");
    CHECK(good.at("result") == json::object());
    const json bad = json::parse(meeting::failure("", Error(Fault::overloaded, "full"), 0));
    CHECK(bad.at("status") == "error");
    CHECK(bad.at("error") == "overloaded: full");
    CHECK(bad.at("result") == json::object());
}

TEST_CASE("base64 is read strictly") {
    CHECK(meeting::decode_base64("").value().empty());
    CHECK(meeting::decode_base64("Zm9vYg==").value().size() == 4);
    CHECK(meeting::decode_base64("Zm9vYmE=").value().size() == 5);
    CHECK(meeting::decode_base64("Zm9vYmFy").value().size() == 6);
    for (const char* text : {"=", "====", "A===", "Zg=", "Zg", "Zm9v\n", "Zm-_", " Zm9v", "Zh=="}) {
        CAPTURE(text);
        CHECK_FALSE(meeting::decode_base64(text).has_value());
    }
}
