// An engine whose one task is a stub, and clients of it.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "server/server.h"
#include "tests/gate.h"

namespace meeting {

// Answers with the input's size; with params.wait it waits for the gate first.
class Echo : public Task {
 public:
    explicit Echo(Gate& gate) : gate_(gate) {}

    nlohmann::json run(std::span<const std::byte> input, const Params& params,
                       const Stop& stop) override {
        if (params.contains("wait")) {
            gate_.pass(stop);
        }
        return {{"size", input.size()}};
    }

 private:
    Gate& gate_;
};

inline std::vector<Kind> kinds(Gate& gate) {
    const auto check = [](std::span<const std::byte> input, const Params&) {
        if (input.empty()) {
            throw Error(Fault::invalid, "input_data: is empty");
        }
    };
    return {{.task = "echo",
             .model = "echo",
             .deadline = std::chrono::seconds(60),
             .check = check,
             .load = [&gate](const Manifest&,
                             const Kind::Parts&) { return std::make_unique<Echo>(gate); }},
            {.task = "absent",
             .model = "absent",
             .deadline = std::chrono::seconds(60),
             .check = check}};
}

// A server on a free port, and a client's view of it.
class Fixture {
 public:
    explicit Fixture(Server::Options options = {}) {
        options.endpoint = "tcp://127.0.0.1:*";
        const Manifest manifest{.id = "echo", .task = "echo", .sha256 = "ab", .files = {}};
        server = Server::create(options, kinds(gate), {{"echo", manifest, ""}});
        server->start();
        for (nlohmann::json info;
             info.is_null() || info.at("models")[1].at("status") == "loading";) {
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
    nlohmann::json ask(const nlohmann::json& request) {
        zmq::socket_t socket = connect(zmq::socket_type::req);
        socket.send(zmq::buffer(request.dump()));
        return receive(socket);
    }

    static nlohmann::json receive(zmq::socket_t& socket) {
        zmq::message_t frame;
        do {
            REQUIRE(socket.recv(frame));
        } while (frame.more());
        return nlohmann::json::parse(frame.to_string_view());
    }

    static void raw(zmq::socket_t& socket, nlohmann::json header, std::string_view bytes) {
        header["v"] = 1;
        socket.send(zmq::buffer(header.dump()), zmq::send_flags::sndmore);
        socket.send(zmq::buffer(bytes));
    }

    zmq::context_t context;
    Gate gate;
    std::unique_ptr<Server> server;
};

inline std::string error(const nlohmann::json& reply) { return reply.at("error"); }

}  // namespace meeting
