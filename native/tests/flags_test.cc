#include "server/flags.h"

#include <doctest/doctest.h>

#include <vector>

using meeting::Flags;
using meeting::parse_flags;
using meeting::Usage;

TEST_CASE("flags take their value after a space or a sign, and have defaults") {
    const std::vector<const char*> given{
        "--models", "folder", "--onnxruntime", "library", "--workers=3", "--queue", "7"};
    const Flags flags = parse_flags(given);
    CHECK(flags.models == "folder");
    CHECK(flags.workers == 3);
    CHECK(flags.queue == 7);
    CHECK(flags.endpoint == "tcp://127.0.0.1:5555");
    CHECK(flags.onnxruntime == "library");
}

TEST_CASE("a wrong command line says what is wrong with it") {
    using Line = std::vector<const char*>;
    for (const auto& [line, text] : std::vector<std::pair<Line, const char*>>{
             {{}, "--models is missing"},
             {{"--models", "m"}, "--onnxruntime is missing"},
             {{"--models"}, "--models needs a value"},
             {{"--models="}, "--models needs a value"},
             {{"--speed", "1"}, "there is no flag --speed"},
             {{"folder", "x"}, "there is no flag folder"},
             {{"--models", "m", "--workers", "0"}, "from 1 to 256, found \"0\""},
             {{"--models", "m", "--workers", "-1"}, "found \"-1\""},
             {{"--models", "m", "--workers", "4x"}, "found \"4x\""},
             {{"--models", "m", "--queue", "99999999999"}, "--queue must be"},
             {{"--models", "m", "--deadline", "0"}, "from 1 to 86400, found \"0\""}}) {
        CHECK_THROWS_WITH_AS(parse_flags(line), doctest::Contains(text), Usage);
    }
}

TEST_CASE("asking for help needs no other flag") {
    CHECK(parse_flags(std::vector<const char*>{"--help"}).help);
    CHECK(meeting::help().find("--models FOLDER") != std::string::npos);
}
