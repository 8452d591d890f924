#include "server/registry.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

namespace meeting {

Registry::Registry(std::vector<Kind> kinds, std::vector<Found> found) : kinds_(std::move(kinds)) {
    for (Found& model : found) {
        Entry& entry = entries_[model.id];
        entry.task = model.manifest.task;
        entry.reason = model.reason;
        entry.manifest = std::move(model.manifest);
        if (!entry.reason.empty()) {
            entry.state = State::unavailable;
        }
    }
    for (const Kind& kind : kinds_) {
        expect(kind.model, kind.task);
        for (const auto& [id, task] : kind.parts) {
            expect(id, task);
        }
    }
    for (auto& [id, entry] : entries_) {
        const bool known = std::any_of(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
            return kind.task == entry.task || kind.parts.contains(id);
        });
        if (!known && entry.state == State::loading) {
            entry.state = State::unavailable;
            entry.reason = "this engine has no task " + entry.task;
        }
    }
}

// Sees to it that a model which the contract names is listed, present or not.
void Registry::expect(const std::string& id, const std::string& task) {
    const auto [place, absent] = entries_.try_emplace(id);
    Entry& entry = place->second;
    if (absent) {
        entry.reason = "it is not in the models folder; run `meeting models pull`";
    } else if (entry.state == State::loading && entry.task != task) {
        entry.reason = "its model.json is for " + entry.task + ", not for " + task;
    }
    if (!entry.reason.empty()) {
        entry.state = State::unavailable;
    }
    entry.task = task;
}

const Kind& Registry::kind(const std::string& task) const {
    std::string known;
    for (const Kind& kind : kinds_) {
        if (kind.task == task) {
            return kind;
        }
        known += kind.task + ", ";
    }
    throw Error(Fault::invalid, "task_type: must be " + known + "ping, info or cancel");
}

std::string Registry::resolve(const Kind& kind, const std::string& model_path) const {
    std::string_view name = model_path;
    constexpr std::string_view root = "/models/";
    if (name.starts_with(root)) {
        name.remove_prefix(root.size());
    } else if (name.empty()) {
        return kind.model;
    }
    constexpr std::string_view suffix = ".onnx";
    if (name.ends_with(suffix)) {
        name.remove_suffix(suffix.size());
    }
    // What remains is looked up among the ids and never becomes a path of the file system, so that
    // directories and dots need no rule of their own: no id has any.
    std::string known;
    for (const auto& [id, entry] : entries_) {
        if (entry.task != kind.task) {
            continue;
        }
        if (id == name) {
            return id;
        }
        known += (known.empty() ? "" : ", ") + id;
    }
    throw Error(Fault::invalid,
                "model_path: no such model for " + kind.task + "; there is " + known);
}

std::shared_ptr<Task> Registry::task(const std::string& id) const {
    std::lock_guard lock(mutex_);
    const Entry& entry = entries_.at(id);
    switch (entry.state) {
        case State::ready:
            return entry.loaded;
        case State::loading:
            throw Error(Fault::unavailable, "model " + id + " is loading");
        case State::unavailable:
            break;
    }
    throw Error(Fault::unavailable, "model " + id + ": " + entry.reason);
}

const std::string& Registry::sha256(const std::string& id) const {
    return entries_.at(id).manifest.sha256;
}

void Registry::load(const std::atomic<bool>& stop) {
    for (const auto& [id, entry] : entries_) {
        if (stop) {
            return;
        }
        load(id);
    }
    // Parts are ready when they are there: whoever needs one has loaded it for itself.
    std::lock_guard lock(mutex_);
    for (auto& [id, entry] : entries_) {
        if (entry.state == State::loading) {
            entry.state = State::ready;
        }
    }
}

// Empty when nothing is in the way of loading `entry`.
std::string Registry::why_not(const Kind& kind, const Entry& entry) const {
    if (!kind.load) {
        return "this engine has no code for " + kind.task + " yet";
    }
    std::lock_guard lock(mutex_);
    if (entry.state == State::unavailable) {
        return entry.reason;
    }
    for (const auto& [part, task] : kind.parts) {
        if (entries_.at(part).state == State::unavailable) {
            return "it needs " + part + ": " + entries_.at(part).reason;
        }
    }
    return "";
}

void Registry::load(const std::string& id) {
    const Entry& entry = entries_.at(id);
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                                   [&](const Kind& one) { return one.task == entry.task; });
    if (kind == kinds_.end()) {
        return;
    }
    if (const std::string reason = why_not(*kind, entry); !reason.empty()) {
        settle(id, nullptr, reason);
        return;
    }
    Kind::Parts parts;
    for (const auto& [part, task] : kind->parts) {
        parts.emplace(part, entries_.at(part).manifest);
    }
    try {
        settle(id, kind->load(entry.manifest, parts), "");
    } catch (const std::exception& error) {  // a model that can't be loaded is no reason to stop
        settle(id, nullptr, error.what());
    }
}

void Registry::settle(const std::string& id, std::shared_ptr<Task> loaded,
                      const std::string& reason) {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_.at(id);
    entry.state = loaded ? State::ready : State::unavailable;
    entry.loaded = std::move(loaded);
    entry.reason = reason;
}

std::vector<Status> Registry::models() const {
    std::lock_guard lock(mutex_);
    std::vector<Status> all;
    for (const auto& [id, entry] : entries_) {
        const char* status = entry.state == State::ready     ? "ready"
                             : entry.state == State::loading ? "loading"
                                                             : "unavailable";
        all.push_back({id, entry.task, entry.manifest.sha256, status, entry.reason});
    }
    return all;
}

}  // namespace meeting
