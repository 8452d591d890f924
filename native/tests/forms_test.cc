#include <doctest/doctest.h>

#include <set>

#include "server/message.h"
#include "tests/stub.h"

using namespace meeting;
using nlohmann::json;

TEST_CASE("a plain REQ client is served in the JSON form and in the raw form") {
    Fixture fixture;
    const json reply =
        fixture.ask({{"task_id", "1"}, {"task_type", "echo"}, {"input_data", "AAAA"}});
    CHECK(reply.at("status") == "success");
    CHECK(reply.at("result").at("size") == 3);
    CHECK(reply.at("result").contains("latency_ms"));
    CHECK(reply.at("result").at("model") == "echo");
    CHECK(reply.at("result").at("model_sha256") == "ab");
    zmq::socket_t socket = fixture.connect(zmq::socket_type::req);
    Fixture::raw(socket, {{"task_id", "2"}, {"task_type", "echo"}}, "12345");
    CHECK(Fixture::receive(socket).at("result").at("size") == 5);
}

TEST_CASE("a DEALER has many requests in flight, with and without a delimiter") {
    Fixture fixture({.limits = {.workers = 2, .jobs = 100}});
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    for (int index = 0; index < 50; ++index) {
        if (index % 2 == 1) {
            socket.send(zmq::message_t(), zmq::send_flags::sndmore);
        }
        Fixture::raw(socket, {{"task_id", std::to_string(index)}, {"task_type", "echo"}}, "12");
    }
    std::set<std::string> answered;
    for (int index = 0; index < 50; ++index) {
        const json reply = Fixture::receive(socket);
        CHECK(reply.at("status") == "success");
        answered.insert(reply.at("task_id"));
    }
    CHECK(answered.size() == 50);
}

TEST_CASE("bad input is invalid also where the model is absent, good input unavailable") {
    Fixture fixture;
    const json bad = fixture.ask({{"task_id", "a"}, {"task_type", "absent"}, {"input_data", ""}});
    CHECK(error(bad) == "invalid: input_data: is empty");
    const json good =
        fixture.ask({{"task_id", "a"}, {"task_type", "absent"}, {"input_data", "AA=="}});
    CHECK(error(good).starts_with("unavailable: model absent"));
}

TEST_CASE("any number of frames is answered, and the engine goes on") {
    Fixture fixture;
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    for (int frames = 1; frames <= 12; ++frames) {
        for (int index = 1; index < frames; ++index) {
            socket.send(zmq::str_buffer("x"), zmq::send_flags::sndmore);
        }
        socket.send(zmq::message_t(), zmq::send_flags::none);
        const json reply = Fixture::receive(socket);
        CHECK(reply.at("task_id") == "");
        CHECK(error(reply).starts_with("invalid: message:"));
    }
    CHECK(fixture.ask({{"task_id", "p"}, {"task_type", "ping"}}).at("status") == "success");
}

TEST_CASE("a frame over 40 MB is answered, and one far over it loses only its own connection") {
    Fixture fixture;
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    Fixture::raw(socket, {{"task_id", "a"}, {"task_type", "echo"}},
                 std::string(kLargestFrame + 1, 'x'));
    CHECK(error(Fixture::receive(socket)).starts_with("invalid: message:"));
    Fixture::raw(socket, {{"task_id", "b"}, {"task_type", "echo"}},
                 std::string(kLargestFrame + 5'000'000, 'x'));
    CHECK(fixture.ask({{"task_id", "p"}, {"task_type", "ping"}}).at("status") == "success");
}
