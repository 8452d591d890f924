// Which tasks there are, which models serve them, and what state each model is in.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/manifest.h"
#include "engine/task.h"

namespace meeting {

// A task_type of the contract.
struct Kind {
    using Parts = std::map<std::string, Manifest>;

    std::string task;
    std::string model;                              // id that an empty model_path stands for
    std::chrono::milliseconds deadline;             // the longest that a request may take
    std::map<std::string, std::string> parts = {};  // further models that loading needs: id to task
    // Throws Error{invalid} for input that no model could take. Asked when the model is not there,
    // so that a bad request is told so in any case. May be empty.
    std::function<void(std::span<const std::byte>, const Params&)> check = {};
    // Empty when this engine has no code for the task.
    std::function<std::unique_ptr<Task>(const Manifest&, const Parts&)> load = {};
};

// A model as `info` shows it.
struct Status {
    std::string id;
    std::string task;
    std::string sha256;  // of the source weights; "" when the model is not there
    std::string status;  // ready, loading, unavailable
    std::string reason;  // why it is unavailable
};

// Thread-safe. Entries are made once, by the constructor; after it, only their
// states change.
class Registry {
 public:
    Registry(std::vector<Kind> kinds, std::vector<Found> found);

    // Throws Error{invalid} for a task_type that there is not.
    const Kind& kind(const std::string& task) const;

    // The id that a request's model_path names. Throws Error{invalid}.
    std::string resolve(const Kind& kind, const std::string& model_path) const;

    // The loaded model. Throws Error{unavailable} with the reason.
    std::shared_ptr<Task> task(const std::string& id) const;

    // Of the source weights of a model that `resolve` gave; results name it.
    const std::string& sha256(const std::string& id) const;

    // Loads everything that is there, one after the other; takes seconds. Returns early, between
    // two models, when `stop` becomes true.
    void load(const std::atomic<bool>& stop);

    std::vector<Status> models() const;  // in order of id

 private:
    enum class State { loading, ready, unavailable };
    struct Entry {
        Manifest manifest;
        std::string task;
        State state = State::loading;
        std::string reason;
        std::shared_ptr<Task> loaded;
    };

    void expect(const std::string& id, const std::string& task);
    std::string why_not(const Kind& kind, const Entry& entry) const;
    void load(const std::string& id);
    void settle(const std::string& id, std::shared_ptr<Task> loaded, const std::string& reason);

    const std::vector<Kind> kinds_;
    mutable std::mutex mutex_;  // protects state, reason and loaded of the entries
    std::map<std::string, Entry> entries_;
};

}  // namespace meeting
