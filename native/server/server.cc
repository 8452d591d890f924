#include "server/server.h"

#include <algorithm>
#include <charconv>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "server/message.h"
#include "server/thread.h"

namespace meeting {
namespace {

using Clock = Stop::Clock;
using json = nlohmann::json;

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
    return std::unique_ptr<Server>(
        new Server(std::move(options), std::move(kinds), std::move(found)));
}

Server::Server(Options options, std::vector<Kind> kinds, std::vector<Found> found)
    : options_(std::move(options)),
      registry_(std::move(kinds), std::move(found)),
      scheduler_(
          options_.limits, [this](const Job& job) { return infer(job); },
          [this](const Job& job, std::string reply) {
              outbox_.push({job.address, std::move(reply)});
          }),
      socket_(options_.endpoint) {}

Server::~Server() { stop(); }

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
}

void Server::route() {
    std::optional<Clock::time_point> end;  // of the grace, once stopping
    for (;;) {
        const auto expiry = scheduler_.expire(Clock::now());
        for (const Reply& reply : outbox_.take()) {
            socket_.send(reply.address, reply.text);
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
        if (socket_.wait(outbox_.descriptor(), timeout)) {
            socket_.receive([this](Address address, auto frames) { handle(address, frames); });
        }
    }
}

// Reading happens here and not on a worker, because a cancel must find what came before it. JSON
// with 40 MB of base64 holds the router up for some tenths of a second; raw frames don't.
void Server::handle(const Address& address, std::span<const std::string_view> frames) {
    const auto received = Clock::now();
    std::string id;
    const auto refuse = [&](const Error& error) {
        using std::chrono::milliseconds;
        const auto latency = std::chrono::duration_cast<milliseconds>(Clock::now() - received);
        socket_.send(address, failure(id, error, latency.count()));
    };
    try {
        Parsed parsed = parse(frames);
        id = parsed.request.task_id;
        if (parsed.fault) {
            throw *parsed.fault;
        }
        dispatch(address, std::move(parsed.request), received);
    } catch (const Error& error) {
        refuse(error);
    } catch (const std::bad_alloc&) {
        refuse(Error(Fault::overloaded, kNoMemory));
    }
}

void Server::dispatch(const Address& address, Request request, Clock::time_point received) {
    const std::string& task = request.task_type;
    if (task == "ping") {
        socket_.send(address, success(request.task_id, json::object(), 0));
        return;
    }
    if (task == "info") {
        socket_.send(address, success(request.task_id, info(), 0));
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

json Server::info() const {
    json models = json::array();
    for (const Status& model : registry_.models()) {
        models.push_back({{"id", model.id},
                          {"task", model.task},
                          {"sha256", model.sha256},
                          {"status", model.status},
                          {"reason", model.reason}});
    }
    return {{"version", MEETING_VERSION},
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
