// The ROUTER socket: whole messages in, replies out, everything bounded.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "server/message.h"

namespace meeting {

// Belongs to one thread at a time.
class Socket {
 public:
    // Throws std::runtime_error with the next step when the address can't be had.
    explicit Socket(const std::string& endpoint);

    const std::string& endpoint() const { return endpoint_; }  // with the port that it got

    // Waits until there is a message, `descriptor` is readable, or the time is over. True when
    // there is a message.
    bool wait(int descriptor, int milliseconds);

    // Gives some of the messages that are there to `handle`; not all of them, so that a flood from
    // outside does not keep replies from going out.
    using Handle = std::function<void(Address, std::span<const std::string_view> frames)>;
    void receive(const Handle& handle);

    // Never blocks: a reply to a peer that is gone or does not read is dropped.
    void send(const Address& address, const std::string& reply);

    // Waits, a second at most, until the last replies are out; then the address is free.
    void close();

 private:
    zmq::context_t context_{1};
    zmq::socket_t socket_{context_, zmq::socket_type::router};
    std::string endpoint_;
};

}  // namespace meeting
