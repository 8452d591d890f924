// Who runs next: a bounded queue, a fixed number of workers, and requests that can end early.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/task.h"
#include "server/message.h"

namespace meeting {

// A request on its way. Its deadline counts from `received`, so that waiting counts too.
struct Job {
    Job(Address from, Request what, Stop::Clock::time_point at, Stop::Clock::duration allowed)
        : address(std::move(from)), request(std::move(what)), received(at), stop(at + allowed) {}

    const Address address;
    const Request request;
    const Stop::Clock::time_point received;
    Stop stop;
};

class Scheduler {
 public:
    struct Limits {
        unsigned workers = 1;
        std::size_t jobs = 64;            // that may wait while all workers are busy
        std::size_t bytes = 512'000'000;  // input of the waiting
    };
    // Runs a request: returns its result or throws. Called by several workers at once.
    using Work = std::function<nlohmann::json(const Job&)>;
    // Takes the one reply of a job. Called by workers, and by the caller of `cancel` and `expire`.
    using Answer = std::function<void(const Job&, std::string reply)>;

    Scheduler(Limits limits, Work work, Answer answer);
    ~Scheduler();  // as `stop`
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    void start();

    // Throws Error{overloaded} when the queue is full.
    void submit(std::shared_ptr<Job> job);

    // Stops the requests of `peer` with that id; a waiting one is answered at once, a running one
    // when its task notices. False when there is none.
    bool cancel(const std::string& peer, const std::string& task_id);
    void cancel_all();

    // Answers the waiting requests whose deadline has passed; they never run. Returns when to come
    // again: the earliest deadline of those that still wait.
    std::optional<Stop::Clock::time_point> expire(Stop::Clock::time_point now);

    std::size_t queued() const;

    // Cancels everything and joins the workers. The second call does nothing.
    void stop();

 private:
    void run();
    void finish(const Job& job, const Error& error);

    const Limits limits_;
    const Work work_;
    const Answer answer_;

    mutable std::mutex mutex_;  // protects everything below but `workers_`
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> waiting_;
    std::size_t bytes_ = 0;  // of input in `waiting_`
    std::vector<std::shared_ptr<Job>> running_;
    bool stopping_ = false;

    std::vector<std::thread> workers_;  // touched by the owner alone
};

}  // namespace meeting
