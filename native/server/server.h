// The engine behind a socket: receives requests, has them run, sends the replies.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/outbox.h"
#include "server/registry.h"
#include "server/scheduler.h"
#include "server/socket.h"

namespace meeting {

// The socket belongs to one thread, the router; workers reach it through the outbox. Thread-safe.
class Server {
 public:
    struct Options {
        std::string endpoint = "tcp://127.0.0.1:5555";  // port 0 or * takes a free one
        Scheduler::Limits limits = {};
        std::chrono::milliseconds grace{30'000};  // that running work gets after `stop`
    };

    // Binds, so that `endpoint` is known and early requests wait for `start`. Throws
    // std::runtime_error with the next step when the address can't be had.
    static std::unique_ptr<Server> create(Options options, std::vector<Kind> kinds,
                                          std::vector<Found> found);
    ~Server();  // as `stop`
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    const std::string& endpoint() const { return socket_.endpoint(); }

    // Returns at once; models load in the background. Throws std::logic_error the second time.
    void start();

    // No new work; what waits and runs gets `grace`, then it is cancelled; every request that was
    // let in is answered; all threads end. The second call does nothing.
    void stop();

 private:
    Server(Options options, std::vector<Kind> kinds, std::vector<Found> found);

    // The router's thread:
    void route();
    void handle(const Address& address, std::span<const std::string_view> frames);
    void dispatch(const Address& address, Request request, Stop::Clock::time_point received);
    nlohmann::json info() const;
    // A worker's thread:
    nlohmann::json infer(const Job& job) const;

    const Options options_;
    Registry registry_;
    Outbox outbox_;
    Scheduler scheduler_;
    Socket socket_;
    std::size_t pending_ = 0;  // requests let in and not yet answered; the router's own
    std::atomic<bool> stopping_{false};
    std::mutex lifecycle_;  // protects what follows: one `start` or `stop` at a time
    bool started_ = false;
    std::thread router_;
    std::thread loader_;
};

// The longest that a request may take: params.deadline_ms, but never more than the kind's own.
// Throws Error{invalid}.
std::chrono::milliseconds deadline(const Kind& kind, const Params& params);

}  // namespace meeting
