// Threads of the engine: named for a debugger, and deaf to signals.
#pragma once

#include <functional>
#include <thread>

namespace meeting {

// Signals from outside are blocked in the new thread, so that they reach the thread that expects
// them: Python's main thread, or the executable's.
std::thread spawn(const char* name, std::function<void()> body);

}  // namespace meeting
