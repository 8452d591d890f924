#include "server/scheduler.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "server/thread.h"

namespace meeting {
namespace {

std::int64_t elapsed(const Job& job) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    return duration_cast<milliseconds>(Stop::Clock::now() - job.received).count();
}

}  // namespace

Scheduler::Scheduler(Limits limits, Work work, Answer answer)
    : limits_(limits), work_(std::move(work)), answer_(std::move(answer)) {}

Scheduler::~Scheduler() { stop(); }

void Scheduler::start() {
    for (unsigned index = 0; index < limits_.workers; ++index) {
        workers_.push_back(spawn("engine-worker", [this] { run(); }));
    }
}

void Scheduler::submit(std::shared_ptr<Job> job) {
    {
        std::lock_guard lock(mutex_);
        const std::size_t size = job->request.input.size();
        // A worker that is about to take a job counts as busy already, or a burst of two would be
        // too much for an idle engine with a queue of one.
        const std::size_t places = limits_.jobs + limits_.workers;
        if (stopping_ || waiting_.size() + running_.size() >= places ||
            bytes_ + size > limits_.bytes) {
            throw Error(Fault::overloaded,
                        std::to_string(waiting_.size()) + " requests wait already; try later");
        }
        bytes_ += size;
        waiting_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void Scheduler::run() {
    for (;;) {
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) {
                return;
            }
            job = std::move(waiting_.front());
            waiting_.pop_front();
            bytes_ -= job->request.input.size();
            running_.push_back(job);
        }
        std::string reply;
        const std::string& id = job->request.task_id;
        try {
            job->stop.check();  // it may have expired while it waited
            nlohmann::json result = work_(*job);
            const std::int64_t latency = elapsed(*job);
            result["latency_ms"] = latency;
            reply = success(id, result, latency);
        } catch (const Error& error) {
            reply = failure(id, error, elapsed(*job));
        } catch (const std::exception& error) {  // one bad request must not end the engine
            reply = failure(id, Error(Fault::internal, error.what()), elapsed(*job));
        }
        {
            // The place is free before the answer is out: who has the answer may ask again at once.
            std::lock_guard lock(mutex_);
            std::erase(running_, job);
        }
        answer_(*job, std::move(reply));
    }
}

bool Scheduler::cancel(const std::string& peer, const std::string& task_id) {
    const auto meant = [&](const std::shared_ptr<Job>& job) {
        return job->address.peer == peer && job->request.task_id == task_id;
    };
    std::vector<std::shared_ptr<Job>> removed;
    bool found = false;
    {
        std::lock_guard lock(mutex_);
        for (const auto& job : running_) {
            if (meant(job)) {
                job->stop.cancel();
                found = true;
            }
        }
        std::copy_if(waiting_.begin(), waiting_.end(), std::back_inserter(removed), meant);
        std::erase_if(waiting_, meant);
        for (const auto& job : removed) {
            bytes_ -= job->request.input.size();
        }
    }
    for (const auto& job : removed) {
        finish(*job, Error(Fault::cancelled, "the request was cancelled before it ran"));
    }
    return found || !removed.empty();
}

void Scheduler::cancel_all() {
    std::lock_guard lock(mutex_);
    for (const auto& job : running_) {
        job->stop.cancel();
    }
    for (const auto& job : waiting_) {
        job->stop.cancel();  // a worker takes it, sees that, and answers
    }
}

std::optional<Stop::Clock::time_point> Scheduler::expire(Stop::Clock::time_point now) {
    std::vector<std::shared_ptr<Job>> removed;
    std::optional<Stop::Clock::time_point> next;
    {
        std::lock_guard lock(mutex_);
        std::erase_if(waiting_, [&](const std::shared_ptr<Job>& job) {
            const auto deadline = job->stop.deadline();
            if (deadline > now) {
                next = std::min(next.value_or(deadline), deadline);
                return false;
            }
            bytes_ -= job->request.input.size();
            removed.push_back(job);
            return true;
        });
    }
    for (const auto& job : removed) {
        finish(*job, Error(Fault::deadline, "the request expired before it ran"));
    }
    return next;
}

void Scheduler::finish(const Job& job, const Error& error) {
    answer_(job, failure(job.request.task_id, error, elapsed(job)));
}

std::size_t Scheduler::queued() const {
    std::lock_guard lock(mutex_);
    return waiting_.size();
}

void Scheduler::stop() {
    cancel_all();
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) {
        worker.join();
    }
    workers_.clear();
}

}  // namespace meeting
