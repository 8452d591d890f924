#include "server/thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace meeting {

std::thread spawn(const char* name, std::function<void()> body) {
    sigset_t outside;
    sigset_t before;
    sigfillset(&outside);
    // What a thread does to itself has to stay visible to a crash handler.
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        sigdelset(&outside, own);
    }
    // A thread inherits the mask of its maker.
    pthread_sigmask(SIG_SETMASK, &outside, &before);
    std::thread thread(std::move(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), name);
    return thread;
}

}  // namespace meeting
