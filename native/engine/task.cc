#include "engine/task.h"

namespace meeting {

std::string_view prefix(Fault fault) {
    switch (fault) {
        case Fault::unavailable:
            return "unavailable";
        case Fault::invalid:
            return "invalid";
        case Fault::overloaded:
            return "overloaded";
        case Fault::deadline:
            return "deadline";
        case Fault::cancelled:
            return "cancelled";
        case Fault::internal:
            break;
    }
    return "internal";
}

std::string Error::wire() const { return std::string(prefix(fault_)) + ": " + what(); }

void Stop::check() const {
    if (cancelled_.load(std::memory_order_relaxed)) {
        throw Error(Fault::cancelled, "the request was cancelled");
    }
    if (Clock::now() >= deadline_) {
        throw Error(Fault::deadline, "the request took longer than it may");
    }
}

}  // namespace meeting
