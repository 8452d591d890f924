// meeting-engine: the server as a program of its own.
#include <signal.h>

#include <iostream>
#include <span>

#include "engine/onnx.h"
#include "server/catalogue.h"
#include "server/flags.h"
#include "server/server.h"

namespace {

using namespace meeting;

int serve(const Flags& flags, const sigset_t& signals) {
    onnx::load(flags.onnxruntime);
    auto server = Server::create({.endpoint = flags.endpoint,
                                  .limits = {.workers = flags.workers, .jobs = flags.queue},
                                  .grace = std::chrono::seconds(flags.grace)},
                                 catalogue(flags.deadline), scan(flags.models));
    server->start();
    const nlohmann::json started = {
        {"endpoint", server->endpoint()}, {"version", MEETING_VERSION}, {"workers", flags.workers}};
    std::cout << started.dump() << std::endl;
    int signal = 0;
    sigwait(&signals, &signal);
    // From here on the default action holds: whoever signals twice does not want to wait.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    server->stop();
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    try {
        const Flags flags = parse_flags(std::span(arguments + 1, arguments + count));
        if (flags.help) {
            std::cout << help();
            return 0;
        }
        if (flags.version) {
            std::cout << MEETING_VERSION << '\n';
            return 0;
        }
        return serve(flags, signals);
    } catch (const Usage& error) {
        std::cerr << "meeting-engine: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "meeting-engine: " << error.what() << '\n';
        return 1;
    }
}
