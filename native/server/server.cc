#include "server/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "server/message.h"
#include "server/thread.h"

namespace meeting {
namespace {

using Clock = Stop::Clock;
using json = nlohmann::json;

// A socket that is sent more than this loses the connection without a word; the difference to
// kLargestFrame is room for an answer.
constexpr std::int64_t kCutFrame = kLargestFrame + 4'000'000;
constexpr int kWaitingFrames = 8;      // messages a peer may have in the socket, each up to 40 MB
constexpr int kWaitingReplies = 1000;  // replies to a peer that does not read; more are dropped
constexpr int kBatch = 16;             // messages between two looks at the replies
constexpr std::size_t kParts = 4;      // delimiter, header, bytes and one too many
constexpr std::string_view kVersion = MEETING_VERSION;

std::string_view text(const zmq::message_t& frame) {
    return {static_cast<const char*>(frame.data()), frame.size()};
}

int milliseconds_until(Clock::time_point moment) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(moment - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

std::chrono::milliseconds deadline(const Kind& kind, const Params& params) {
    const auto given = params.find("deadline_ms");
    if (given == params.end()) {
        return kind.deadline;
    }
    const std::string& value = given->second;
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc() || end != value.data() + value.size() || number < 1) {
        throw Error(Fault::invalid, "deadline_ms: must be a whole number of 1 or more, found " +
                                        value.substr(0, 40));
    }
    return std::min(kind.deadline, std::chrono::milliseconds(number));
}

std::unique_ptr<Server> Server::create(Options options, std::vector<Kind> kinds,
                                       std::vector<Found> found) {
    std::unique_ptr<Server> server(
        new Server(std::move(options), std::move(kinds), std::move(found)));
    server->bind();
    return server;
}

Server::Server(Options options, std::vector<Kind> kinds, std::vector<Found> found)
    : options_(std::move(options)),
      registry_(std::move(kinds), std::move(found)),
      scheduler_(
          options_.limits, [this](const Job& job) { return infer(job); },
          [this](const Job& job, std::string reply) {
              outbox_.push({job.address, std::move(reply)});
          }),
      context_(1),
      socket_(context_, zmq::socket_type::router) {}

Server::~Server() { stop(); }

void Server::bind() {
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
        socket_.bind(options_.endpoint);
    } catch (const zmq::error_t& error) {
        const char* advice = error.num() == EADDRINUSE
                                 ? "; another process listens there: stop it, or choose another "
                                   "port (0 takes a free one)"
                                 : "; an endpoint looks like tcp://127.0.0.1:5555 or ipc:///PATH";
        throw std::runtime_error("can't listen on " + options_.endpoint + ": " + error.what() +
                                 advice);
    }
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
}

void Server::start() {
    std::lock_guard lock(lifecycle_);
    if (started_ || stopping_) {
        throw std::logic_error("an engine starts once; make a new one");
    }
    started_ = true;
    scheduler_.start();
    loader_ = spawn("engine-loader", [this] { registry_.load(stopping_); });
    router_ = spawn("engine-router", [this] { route(); });
}

void Server::stop() {
    std::lock_guard lock(lifecycle_);
    stopping_ = true;
    outbox_.wake();
    if (router_.joinable()) {
        router_.join();
    }
    scheduler_.stop();
    if (loader_.joinable()) {
        loader_.join();
    }
    socket_.close();
    context_.close();  // waits until the last replies are out and the address is free
}

void Server::route() {
    std::optional<Clock::time_point> end;  // of the grace, once stopping
    for (;;) {
        const auto expiry = scheduler_.expire(Clock::now());
        for (const Reply& reply : outbox_.take()) {
            send(reply.address, reply.text);
            --pending_;
        }
        if (stopping_) {
            if (pending_ == 0) {
                return;
            }
            end = end.value_or(Clock::now() + options_.grace);
            if (*end <= Clock::now()) {
                scheduler_.cancel_all();
            }
        }
        int timeout = 60'000;
        if (expiry) {
            timeout = std::min(timeout, milliseconds_until(*expiry));
        }
        if (end) {
            timeout = std::min(timeout, std::max(milliseconds_until(*end), 10));
        }
        std::array<zmq::pollitem_t, 2> items{
            {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, outbox_.descriptor(), ZMQ_POLLIN, 0}}};
        // A debugger that stops and continues the process interrupts it; that is no error.
        if (zmq_poll(items.data(), items.size(), timeout) < 0 && zmq_errno() != EINTR) {
            throw zmq::error_t();
        }
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
            receive();
        }
    }
}

// Reads some messages, so that a flood from outside does not keep replies from going out.
void Server::receive() {
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

// Reading happens here and not on a worker, because a cancel must find what came before it. JSON
// with 40 MB of base64 holds the router up for some tenths of a second; raw frames don't.
void Server::handle(Address address, std::span<const std::string_view> frames) {
    const auto received = Clock::now();
    Parsed parsed = parse(frames);
    const std::string id = parsed.request.task_id;
    const auto refuse = [&](const Error& error) {
        using std::chrono::milliseconds;
        const auto latency = std::chrono::duration_cast<milliseconds>(Clock::now() - received);
        send(address, failure(id, error, latency.count()));
    };
    try {
        if (parsed.fault) {
            throw *parsed.fault;
        }
        dispatch(address, std::move(parsed.request), received);
    } catch (const Error& error) {
        refuse(error);
    } catch (const std::bad_alloc&) {
        refuse(Error(Fault::overloaded, "the engine is out of memory"));
    }
}

void Server::dispatch(const Address& address, Request request, Clock::time_point received) {
    const std::string& task = request.task_type;
    if (task == "ping") {
        send(address, success(request.task_id, json::object(), 0));
        return;
    }
    if (task == "info") {
        send(address, success(request.task_id, info(), 0));
        return;
    }
    if (task == "cancel") {
        // The one reply to both is that of the request which is stopped: two replies with the
        // same task_id could not be told apart.
        if (!scheduler_.cancel(address.peer, request.task_id)) {
            throw Error(Fault::invalid, "task_id: this socket has no such request in flight");
        }
        return;
    }
    const Kind& kind = registry_.kind(task);
    const auto allowed = deadline(kind, request.params);
    request.model_path = registry_.resolve(kind, request.model_path);  // from here on an id
    if (stopping_) {
        throw Error(Fault::unavailable, "the engine is stopping");
    }
    scheduler_.submit(std::make_shared<Job>(address, std::move(request), received, allowed));
    ++pending_;
}

void Server::send(const Address& address, const std::string& reply) {
    using zmq::send_flags;
    const auto more = send_flags::sndmore | send_flags::dontwait;
    // A ROUTER takes the frames for a peer that is gone or full as well, and drops them.
    [[maybe_unused]] auto sent = socket_.send(zmq::buffer(address.peer), more);
    if (address.delimited) {
        sent = socket_.send(zmq::message_t(), more);
    }
    sent = socket_.send(zmq::buffer(reply), send_flags::dontwait);
}

json Server::info() const {
    json models = json::array();
    for (const Status& model : registry_.models()) {
        models.push_back({{"id", model.id},
                          {"task", model.task},
                          {"sha256", model.sha256},
                          {"status", model.status},
                          {"reason", model.reason}});
    }
    return {{"version", kVersion},
            {"models", std::move(models)},
            {"workers", options_.limits.workers},
            {"queued", scheduler_.queued()}};
}

json Server::infer(const Job& job) const {
    const Request& request = job.request;
    std::shared_ptr<Task> task;
    try {
        task = registry_.task(request.model_path);
    } catch (const Error&) {
        // Bad input is the caller's to mend whether or not the model is there: that comes first.
        const Kind& kind = registry_.kind(request.task_type);
        if (kind.check) {
            kind.check(request.input, request.params);
        }
        throw;
    }
    json result = task->run(request.input, request.params, job.stop);
    result["model"] = request.model_path;
    result["model_sha256"] = registry_.sha256(request.model_path);
    return result;
}

}  // namespace meeting
