// Work that says when it began, and ends when the test lets it or when it is stopped.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "engine/task.h"

namespace meeting {

class Gate {
 public:
    // What the work does.
    void pass(const Stop& stop) {
        std::unique_lock lock(mutex_);
        ++begun_;
        changed_.notify_all();
        while (!open_) {
            changed_.wait_for(lock, std::chrono::milliseconds(1));
            stop.check();
        }
    }

    void wait_begun(int count) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return begun_ >= count; }));
    }

    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

    int begun() {
        std::lock_guard lock(mutex_);
        return begun_;
    }

 private:
    std::mutex mutex_;  // protects `begun_` and `open_`
    std::condition_variable changed_;
    int begun_ = 0;
    bool open_ = false;
};

}  // namespace meeting
