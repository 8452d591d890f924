#include "server/socket.h"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

namespace meeting {
namespace {

// A socket that is sent more than this loses the connection without a word; the difference to
// kLargestFrame is room for an answer.
constexpr std::int64_t kCutFrame = kLargestFrame + 4'000'000;
constexpr int kWaitingFrames = 8;      // messages a peer may have in the socket, each up to 40 MB
constexpr int kWaitingReplies = 1000;  // replies to a peer that does not read; more are dropped
constexpr int kBatch = 16;             // messages between two looks at the replies
constexpr std::size_t kParts = 4;      // delimiter, header, bytes and one too many

std::string_view text(const zmq::message_t& frame) {
    return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace

Socket::Socket(const std::string& endpoint) {
    socket_.set(zmq::sockopt::maxmsgsize, kCutFrame);
    socket_.set(zmq::sockopt::rcvhwm, kWaitingFrames);
    // A reply to a peer that is gone or does not read is dropped; nothing ever blocks on it.
    socket_.set(zmq::sockopt::router_mandatory, false);
    socket_.set(zmq::sockopt::sndhwm, kWaitingReplies);
    socket_.set(zmq::sockopt::linger, 1000);
    // Connections that died without a word are found, so that their names become free.
    socket_.set(zmq::sockopt::heartbeat_ivl, 10'000);
    socket_.set(zmq::sockopt::heartbeat_timeout, 30'000);
    try {
        socket_.bind(endpoint);
    } catch (const zmq::error_t& error) {
        const char* advice = error.num() == EADDRINUSE
                                 ? "; another process listens there: stop it, or choose another "
                                   "port (0 takes a free one)"
                                 : "; an endpoint looks like tcp://127.0.0.1:5555 or ipc:///PATH";
        throw std::runtime_error("can't listen on " + endpoint + ": " + error.what() + advice);
    }
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
}

bool Socket::wait(int descriptor, int milliseconds) {
    std::array<zmq::pollitem_t, 2> items{
        {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, descriptor, ZMQ_POLLIN, 0}}};
    // A debugger that stops and continues the process interrupts it; that is no error.
    if (zmq_poll(items.data(), items.size(), milliseconds) < 0 && zmq_errno() != EINTR) {
        throw zmq::error_t();
    }
    return (items[0].revents & ZMQ_POLLIN) != 0;
}

void Socket::receive(const Handle& handle) {
    for (int count = 0; count < kBatch; ++count) {
        zmq::message_t identity;
        if (!socket_.recv(identity, zmq::recv_flags::dontwait)) {
            return;
        }
        std::vector<zmq::message_t> parts;
        for (bool more = identity.more(); more;) {
            zmq::message_t part;
            // The parts of a message arrive together, so this never waits.
            [[maybe_unused]] const auto size = socket_.recv(part);
            more = part.more();
            if (parts.size() < kParts) {
                parts.push_back(std::move(part));
            }
        }
        std::vector<std::string_view> frames;
        for (const zmq::message_t& part : parts) {
            frames.push_back(text(part));
        }
        Address address{.peer = std::string(text(identity))};
        // A REQ socket puts an empty frame before its message and wants it back before the reply.
        address.delimited = !frames.empty() && frames.front().empty();
        const std::size_t skipped = address.delimited ? 1 : 0;
        handle(std::move(address), std::span(frames).subspan(skipped));
    }
}

void Socket::send(const Address& address, const std::string& reply) {
    using zmq::send_flags;
    const auto more = send_flags::sndmore | send_flags::dontwait;
    // A ROUTER takes the frames for a peer that is gone or full as well, and drops them.
    [[maybe_unused]] auto sent = socket_.send(zmq::buffer(address.peer), more);
    if (address.delimited) {
        sent = socket_.send(zmq::message_t(), more);
    }
    sent = socket_.send(zmq::buffer(reply), send_flags::dontwait);
}

void Socket::close() {
    socket_.close();
    context_.close();
}

}  // namespace meeting
