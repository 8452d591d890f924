#include "server/scheduler.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/gate.h"

using namespace meeting;
using namespace std::chrono_literals;
using nlohmann::json;
using Clock = Stop::Clock;

namespace {

// Takes the replies and lets a test wait for one.
class Answers {
 public:
    Scheduler::Answer sink() {
        return [this](const Job& job, std::string reply) {
            std::lock_guard lock(mutex_);
            replies_.emplace(job.request.task_id, json::parse(reply));
            changed_.notify_all();
        };
    }

    json wait(const std::string& id) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, 30s, [&] { return replies_.contains(id); }));
        return replies_.find(id)->second;
    }

    std::size_t count() {
        std::lock_guard lock(mutex_);
        return replies_.size();
    }

 private:
    std::mutex mutex_;  // protects `replies_`
    std::condition_variable changed_;
    std::multimap<std::string, json> replies_;
};

Scheduler::Work through(Gate& gate) {
    return [&gate](const Job& job) {
        gate.pass(job.stop);
        return json{{"ran", job.request.task_id}};
    };
}

std::shared_ptr<Job> job(const std::string& id, const std::string& peer = "peer",
                         Clock::duration allowed = 1h, std::size_t size = 0) {
    Request request{.task_id = id, .task_type = "", .model_path = "", .params = {}, .input = {}};
    request.input.resize(size);
    return std::make_shared<Job>(Address{.peer = peer}, std::move(request), Clock::now(), allowed);
}

std::string error(const json& reply) { return reply.at("error"); }

}  // namespace

TEST_CASE("a result is answered with its latency inside and outside") {
    Answers answers;
    Scheduler scheduler(
        {},
        [](const Job&) {
            return json{{"text", "hello"}};
        },
        answers.sink());
    scheduler.start();
    scheduler.submit(job("a"));
    const json reply = answers.wait("a");
    CHECK(reply.at("status") == "success");
    CHECK(reply.at("result").at("text") == "hello");
    CHECK(reply.at("result").at("latency_ms") == reply.at("latency"));
}

TEST_CASE("as many requests run at once as there are workers") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 3, .jobs = 1, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    for (const char* id : {"a", "b", "c"}) {
        scheduler.submit(job(id));
    }
    gate.wait_begun(3);
    gate.open();
    for (const char* id : {"a", "b", "c"}) {
        CHECK(answers.wait(id).at("status") == "success");
    }
}

TEST_CASE("a full queue refuses, by number and by bytes, and takes again when there is room") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 2, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    scheduler.submit(job("a"));
    gate.wait_begun(1);
    scheduler.submit(job("b", "peer", 1h, 60));
    CHECK_THROWS_AS(scheduler.submit(job("heavy", "peer", 1h, 50)), Error);
    scheduler.submit(job("c", "peer", 1h, 40));
    CHECK_THROWS_AS(scheduler.submit(job("d")), Error);
    CHECK(scheduler.queued() == 2);
    gate.open();
    answers.wait("c");
    scheduler.submit(job("e", "peer", 1h, 100));
    CHECK(answers.wait("e").at("status") == "success");
}

TEST_CASE("a request that waits is cancelled at once and never runs") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 2, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    scheduler.submit(job("a"));
    gate.wait_begun(1);
    scheduler.submit(job("b"));
    CHECK(scheduler.cancel("peer", "b"));
    CHECK(error(answers.wait("b")).starts_with("cancelled: "));
    CHECK(scheduler.queued() == 0);
    gate.open();
    answers.wait("a");
    CHECK(gate.begun() == 1);
}

TEST_CASE("a request that runs is cancelled and its place is free for the next") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 1, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    scheduler.submit(job("a"));
    gate.wait_begun(1);
    scheduler.submit(job("b"));
    CHECK(scheduler.cancel("peer", "a"));
    CHECK(error(answers.wait("a")).starts_with("cancelled: "));
    gate.wait_begun(2);
    gate.open();
    CHECK(answers.wait("b").at("status") == "success");
}

TEST_CASE("a cancel reaches only requests of the same peer") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 1, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    scheduler.submit(job("a", "mine"));
    gate.wait_begun(1);
    CHECK_FALSE(scheduler.cancel("yours", "a"));
    CHECK_FALSE(scheduler.cancel("mine", "b"));
    gate.open();
    CHECK(answers.wait("a").at("status") == "success");
    CHECK_FALSE(scheduler.cancel("mine", "a"));
}

TEST_CASE("a request that runs past its deadline is stopped") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({}, through(gate), answers.sink());
    scheduler.start();
    scheduler.submit(job("a", "peer", 1ms));
    CHECK(error(answers.wait("a")).starts_with("deadline: "));
}

TEST_CASE("a request whose deadline passed while it waited is answered without running") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 3, .bytes = 100}, through(gate), answers.sink());
    const auto now = Clock::now();
    scheduler.submit(job("late", "peer", -1s));
    scheduler.submit(job("soon", "peer", 1h));
    const auto next = scheduler.expire(now);
    CHECK(error(answers.wait("late")).starts_with("deadline: "));
    REQUIRE(next.has_value());
    CHECK(*next > now + 59min);
    CHECK_FALSE(scheduler.expire(now + 2h).has_value());
    CHECK(error(answers.wait("soon")).starts_with("deadline: "));
    scheduler.submit(job("taken", "peer", -1s));
    scheduler.start();  // a worker takes it before anybody calls expire
    CHECK(error(answers.wait("taken")).starts_with("deadline: "));
    CHECK(gate.begun() == 0);
}

TEST_CASE("whatever a task throws is one reply, and the worker goes on") {
    Answers answers;
    Scheduler scheduler(
        {},
        [](const Job& one) -> json {
            if (one.request.task_id == "a") {
                throw Error(Fault::invalid, "sample_rate: no");
            }
            if (one.request.task_id == "b") {
                throw std::out_of_range("vector");
            }
            return json::object();
        },
        answers.sink());
    scheduler.start();
    for (const char* id : {"a", "b", "c"}) {
        scheduler.submit(job(id));
        answers.wait(id);
    }
    CHECK(error(answers.wait("a")) == "invalid: sample_rate: no");
    CHECK(error(answers.wait("b")) == "internal: vector");
    CHECK(answers.wait("c").at("status") == "success");
}

TEST_CASE("stopping cancels and answers what waits and what runs") {
    Answers answers;
    Gate gate;
    Scheduler scheduler({.workers = 1, .jobs = 3, .bytes = 100}, through(gate), answers.sink());
    scheduler.start();
    for (const char* id : {"a", "b", "c"}) {
        scheduler.submit(job(id));
    }
    scheduler.stop();
    for (const char* id : {"a", "b", "c"}) {
        CHECK(error(answers.wait(id)).starts_with("cancelled: "));
    }
    CHECK_THROWS_AS(scheduler.submit(job("d")), Error);
    CHECK(answers.count() == 3);
}
