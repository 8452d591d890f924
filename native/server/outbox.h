// Replies on their way from the workers to the one thread that owns the socket.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "server/scheduler.h"

namespace meeting {

struct Reply {
    Address address;
    std::string text;
};

// Thread-safe. Holds no more than one reply for each request that was let in, so the scheduler's
// limits bound it.
class Outbox {
 public:
    Outbox();  // throws std::system_error when the system has no more file descriptors
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    void push(Reply reply);
    void wake();                // makes `descriptor` readable without a reply
    std::vector<Reply> take();  // everything, and `descriptor` is quiet again

    int descriptor() const { return descriptor_; }  // to poll

 private:
    const int descriptor_;  // an eventfd
    std::mutex mutex_;      // protects `replies_`
    std::vector<Reply> replies_;
};

}  // namespace meeting
