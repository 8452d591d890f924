// What every inference task is to the server: a function from bytes and parameters to JSON that can
// be stopped.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace meeting {

// The kinds of failure on the wire; `prefix` gives the word that an error text begins with there.
enum class Fault { unavailable, invalid, overloaded, deadline, cancelled, internal };

std::string_view prefix(Fault fault);

// A failure that the caller is told about. `what()` is the text without the prefix; for a bad
// parameter it begins with the parameter's name ("sample_rate: must be 8000 to 192000, found 0").
class Error : public std::runtime_error {
 public:
    Error(Fault fault, const std::string& text) : std::runtime_error(text), fault_(fault) {}

    Fault fault() const { return fault_; }

    // As it stands in a reply: "invalid: sample_rate: …".
    std::string wire() const;

 private:
    Fault fault_;
};

// Tells a running task that nobody waits for its result any more. One is made per request; any
// thread may cancel it while another one asks. Tasks look at it at each stage and each decoded
// token.
class Stop {
 public:
    using Clock = std::chrono::steady_clock;

    explicit Stop(Clock::time_point deadline = Clock::time_point::max()) : deadline_(deadline) {}

    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
    // Throws Error{cancelled} or Error{deadline} when a stop is requested.
    void check() const;

    Clock::time_point deadline() const { return deadline_; }

 private:
    std::atomic<bool> cancelled_{false};
    const Clock::time_point deadline_;
};

using Params = std::map<std::string, std::string>;

// A loaded model with everything around it. One object serves all workers at once, so
// implementations hold no state that `run` changes.
class Task {
 public:
    virtual ~Task() = default;

    // `input` is the request's bytes, from outside and unchecked. Returns the `result` object of
    // the contract. Throws Error; whatever else escapes is reported as an internal fault.
    virtual nlohmann::json run(std::span<const std::byte> input, const Params& params,
                               const Stop& stop) = 0;
};

}  // namespace meeting
