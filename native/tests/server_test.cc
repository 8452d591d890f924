#include "server/server.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <zmq.hpp>

#include "server/message.h"

using namespace meeting;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// What the stub task waits for when it is asked to.
struct Gate {
    std::mutex mutex;  // protects `begun` and `open`
    std::condition_variable changed;
    int begun = 0;
    bool open = false;

    void wait_begun(int count) {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, 30s, [&] { return begun >= count; }));
    }
    void release() {
        std::lock_guard lock(mutex);
        open = true;
        changed.notify_all();
    }
};

// Answers with the input's size; with params.wait it waits for the gate first.
class Echo : public Task {
 public:
    explicit Echo(Gate& gate) : gate_(gate) {}

    json run(std::span<const std::byte> input, const Params& params, const Stop& stop) override {
        if (params.contains("wait")) {
            std::unique_lock lock(gate_.mutex);
            ++gate_.begun;
            gate_.changed.notify_all();
            while (!gate_.open) {
                gate_.changed.wait_for(lock, 1ms);
                stop.check();
            }
        }
        return {{"size", input.size()}};
    }

 private:
    Gate& gate_;
};

std::vector<Kind> kinds(Gate& gate) {
    const auto check = [](std::span<const std::byte> input, const Params&) {
        if (input.empty()) {
            throw Error(Fault::invalid, "input_data: is empty");
        }
    };
    return {{.task = "echo",
             .model = "echo",
             .deadline = 60s,
             .check = check,
             .load = [&gate](const Manifest&,
                             const Kind::Parts&) { return std::make_unique<Echo>(gate); }},
            {.task = "absent", .model = "absent", .deadline = 60s, .check = check}};
}

// A server on a free port, and a client's view of it.
class Fixture {
 public:
    explicit Fixture(Server::Options options = {}) {
        options.endpoint = "tcp://127.0.0.1:*";
        const Manifest manifest{.id = "echo", .task = "echo", .sha256 = "ab", .files = {}};
        server = Server::create(options, kinds(gate), {{"echo", manifest, ""}});
        server->start();
        for (json info; info.is_null() || info.at("models")[1].at("status") == "loading";) {
            info = ask({{"task_type", "info"}}).at("result");
        }
    }

    zmq::socket_t connect(zmq::socket_type type) {
        zmq::socket_t socket(context, type);
        socket.set(zmq::sockopt::rcvtimeo, 30'000);
        socket.set(zmq::sockopt::linger, 0);
        socket.connect(server->endpoint());
        return socket;
    }

    // One request of a plain REQ client.
    json ask(const json& request) {
        zmq::socket_t socket = connect(zmq::socket_type::req);
        socket.send(zmq::buffer(request.dump()));
        return receive(socket);
    }

    static json receive(zmq::socket_t& socket) {
        zmq::message_t frame;
        do {
            REQUIRE(socket.recv(frame));
        } while (frame.more());
        return json::parse(frame.to_string_view());
    }

    static void raw(zmq::socket_t& socket, json header, std::string_view bytes) {
        header["v"] = 1;
        socket.send(zmq::buffer(header.dump()), zmq::send_flags::sndmore);
        socket.send(zmq::buffer(bytes));
    }

    zmq::context_t context;
    Gate gate;
    std::unique_ptr<Server> server;
};

std::string error(const json& reply) { return reply.at("error"); }

}  // namespace

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
    fixture.gate.release();
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
    fixture.gate.release();
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
    fixture.gate.release();
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
    fixture.gate.release();
    CHECK(fixture.ask({{"task_id", "e"}, {"task_type", "echo"}}).at("status") == "success");
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
    fixture.gate.release();
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
