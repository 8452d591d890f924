#include "server/server.h"

#include <doctest/doctest.h>

#include "tests/stub.h"

using namespace meeting;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("ping and info are answered while every worker is busy") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 4}});
    zmq::socket_t busy = fixture.connect(zmq::socket_type::dealer);
    const json wait = {{"wait", "1"}};
    Fixture::raw(busy, {{"task_id", "a"}, {"task_type", "echo"}, {"params", wait}}, "");
    fixture.gate.wait_begun(1);
    Fixture::raw(busy, {{"task_id", "b"}, {"task_type", "echo"}, {"params", wait}}, "");
    Fixture::raw(busy, {{"task_id", "p"}, {"task_type", "ping"}}, "");
    const json ping = Fixture::receive(busy);
    CHECK(ping.at("task_id") == "p");
    CHECK(ping.at("result") == json::object());
    const json info = fixture.ask({{"task_id", "i"}, {"task_type", "info"}}).at("result");
    CHECK(info.at("workers") == 1);
    CHECK(info.at("queued") == 1);
    CHECK(info.at("version") == MEETING_VERSION);
    CHECK(info.at("models")[0].at("status") == "unavailable");
    CHECK(info.at("models")[1] == json{{"id", "echo"},
                                       {"task", "echo"},
                                       {"sha256", "ab"},
                                       {"status", "ready"},
                                       {"reason", ""}});
    fixture.gate.open();
}

TEST_CASE("a full queue answers overloaded and nothing of it is lost") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 1}});
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    const json wait = {{"wait", "1"}};
    for (const char* id : {"a", "b", "c"}) {
        Fixture::raw(socket, {{"task_id", id}, {"task_type", "echo"}, {"params", wait}}, "");
    }
    const json refused = Fixture::receive(socket);
    CHECK(refused.at("task_id") == "c");
    CHECK(error(refused).starts_with("overloaded: "));
    fixture.gate.open();
    CHECK(Fixture::receive(socket).at("task_id") == "a");
    CHECK(Fixture::receive(socket).at("task_id") == "b");
}

TEST_CASE("cancel stops the request of the same socket alone, with one reply for both") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 1}});
    zmq::socket_t mine = fixture.connect(zmq::socket_type::dealer);
    Fixture::raw(mine, {{"task_id", "a"}, {"task_type", "echo"}, {"params", {{"wait", 1}}}}, "");
    fixture.gate.wait_begun(1);
    const json cancel = {{"task_id", "a"}, {"task_type", "cancel"}};
    CHECK(error(fixture.ask(cancel)).starts_with("invalid: task_id:"));
    Fixture::raw(mine, cancel, "");
    const json reply = Fixture::receive(mine);
    CHECK(reply.at("task_id") == "a");
    CHECK(error(reply).starts_with("cancelled: "));
    Fixture::raw(mine, {{"task_id", "next"}, {"task_type", "echo"}}, "");
    CHECK(Fixture::receive(mine).at("task_id") == "next");
}

TEST_CASE("a deadline ends a request that runs and one that waits") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 1}});
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    const json wait = {{"wait", "1"}};
    Fixture::raw(socket, {{"task_id", "a"}, {"task_type", "echo"}, {"params", wait}}, "");
    fixture.gate.wait_begun(1);
    Fixture::raw(socket,
                 {{"task_id", "b"}, {"task_type", "echo"}, {"params", {{"deadline_ms", 1}}}}, "");
    const json waiting = Fixture::receive(socket);
    CHECK(waiting.at("task_id") == "b");
    CHECK(error(waiting).starts_with("deadline: "));
    fixture.gate.open();
    CHECK(Fixture::receive(socket).at("status") == "success");
}

TEST_CASE("deadline_ms shortens the kind's own deadline and never lengthens it") {
    Gate gate;
    const Kind kind = kinds(gate)[0];
    CHECK(deadline(kind, {}) == 60s);
    CHECK(deadline(kind, {{"deadline_ms", "1"}}) == 1ms);
    CHECK(deadline(kind, {{"deadline_ms", "9223372036854775807"}}) == 60s);
    for (const char* bad : {"", "0", "-1", "1.5", "1e3", " 1", "1 ", "9223372036854775808", "x"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(deadline(kind, {{"deadline_ms", bad}}), Error);
    }
}

TEST_CASE("a peer that is gone, or reads nothing, holds nobody up") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 10}});
    {
        zmq::socket_t gone = fixture.connect(zmq::socket_type::dealer);
        Fixture::raw(gone, {{"task_id", "a"}, {"task_type", "echo"}, {"params", {{"wait", 1}}}},
                     "");
        fixture.gate.wait_begun(1);
    }
    zmq::socket_t deaf = fixture.connect(zmq::socket_type::dealer);
    deaf.set(zmq::sockopt::sndtimeo, 0);
    for (int index = 0; index < 5000; ++index) {
        deaf.send(zmq::str_buffer(R"({"task_type":"info"})"), zmq::send_flags::dontwait);
    }
    CHECK(fixture.ask({{"task_id", "p"}, {"task_type", "ping"}}).at("status") == "success");
    fixture.gate.open();
    CHECK(fixture.ask({{"task_id", "e"}, {"task_type", "echo"}}).at("status") == "success");
}

TEST_CASE("stopping lets running work end, refuses new work and answers both") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 1}});
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    Fixture::raw(socket, {{"task_id", "a"}, {"task_type", "echo"}, {"params", {{"wait", 1}}}}, "");
    fixture.gate.wait_begun(1);
    std::thread stopping([&] { fixture.server->stop(); });
    // Ask until the stop has been seen; before that, the request is simply let in or refused.
    std::string refusal;
    while (!refusal.starts_with("unavailable: ")) {
        Fixture::raw(socket,
                     {{"task_id", "n"}, {"task_type", "echo"}, {"params", {{"deadline_ms", 1}}}},
                     "");
        refusal = error(Fixture::receive(socket));
    }
    CHECK(refusal == "unavailable: the engine is stopping");
    fixture.gate.open();
    CHECK(Fixture::receive(socket).at("status") == "success");
    stopping.join();
}

TEST_CASE("work that outlasts the grace is cancelled and answered") {
    Fixture fixture({.limits = {.workers = 1, .jobs = 1}, .grace = 1ms});
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    for (const char* id : {"a", "b"}) {
        Fixture::raw(socket, {{"task_id", id}, {"task_type", "echo"}, {"params", {{"wait", 1}}}},
                     "");
    }
    fixture.gate.wait_begun(1);
    Fixture::raw(socket, {{"task_id", "p"}, {"task_type", "ping"}}, "");
    CHECK(Fixture::receive(socket).at("task_id") == "p");  // so the engine has seen "b"
    fixture.server->stop();
    for (const char* id : {"a", "b"}) {
        const json reply = Fixture::receive(socket);
        CHECK(reply.at("task_id") == id);
        CHECK(error(reply).starts_with("cancelled: "));
    }
}

TEST_CASE("an engine starts once, and its address is free when it has stopped") {
    Gate gate;
    auto first = Server::create({.endpoint = "tcp://127.0.0.1:*"}, kinds(gate), {});
    const std::string endpoint = first->endpoint();
    CHECK_THROWS_WITH_AS(Server::create({.endpoint = endpoint}, kinds(gate), {}),
                         doctest::Contains("another process listens there"), std::runtime_error);
    first->start();
    CHECK_THROWS_AS(first->start(), std::logic_error);
    first->stop();
    first->stop();
    CHECK_THROWS_AS(first->start(), std::logic_error);
    CHECK_NOTHROW(Server::create({.endpoint = endpoint}, kinds(gate), {}));
    CHECK_THROWS_AS(Server::create({.endpoint = "nonsense"}, kinds(gate), {}), std::runtime_error);
}
