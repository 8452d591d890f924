#include "server/flags.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <thread>

namespace meeting {
namespace {

unsigned whole(const std::string& name, std::string_view value, unsigned least, unsigned most) {
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc() || end != value.data() + value.size() || number < least ||
        number > most) {
        throw Usage(name + " must be a whole number from " + std::to_string(least) + " to " +
                    std::to_string(most) + ", found \"" + std::string(value) + "\"");
    }
    return number;
}

}  // namespace

unsigned cores() { return std::clamp(std::thread::hardware_concurrency(), 1U, 256U); }

Flags parse_flags(std::span<const char* const> arguments) {
    Flags flags;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        std::string name = arguments[index];
        if (name == "--help" || name == "-h") {
            flags.help = true;
            return flags;
        }
        if (name == "--version") {
            flags.version = true;
            return flags;
        }
        std::string value;
        if (const auto sign = name.find('='); name.starts_with("--") && sign != name.npos) {
            value = name.substr(sign + 1);
            name.resize(sign);
        } else if (index + 1 < arguments.size()) {
            value = arguments[++index];
        }
        if (value.empty()) {
            throw Usage(name + " needs a value, or is no flag; --help lists them");
        }
        if (name == "--endpoint") {
            flags.endpoint = value;
        } else if (name == "--models") {
            flags.models = value;
        } else if (name == "--onnxruntime") {
            flags.onnxruntime = value;
        } else if (name == "--workers") {
            flags.workers = whole(name, value, 1, 256);
        } else if (name == "--queue") {
            flags.queue = whole(name, value, 1, 100'000);
        } else if (name == "--deadline") {
            flags.deadline = whole(name, value, 1, kLongestDeadline);
        } else if (name == "--grace") {
            flags.grace = whole(name, value, 0, 3600);
        } else {
            throw Usage("there is no flag " + name + "; --help lists them");
        }
    }
    if (flags.models.empty()) {
        throw Usage("--models is missing: the folder that `meeting models pull` filled");
    }
    if (flags.onnxruntime.empty()) {
        throw Usage(
            "--onnxruntime is missing: libonnxruntime.so.<version>, which lies in the folder "
            "onnxruntime/capi of Python's site-packages after `pip install onnxruntime`; `meeting "
            "engine` finds it and starts this program with it");
    }
    return flags;
}

std::string help() {
    return R"(meeting-engine: inference over ZeroMQ, without Python.

  meeting-engine --models FOLDER --onnxruntime FILE [--endpoint tcp://127.0.0.1:5555]

Serves the models of FOLDER (made by `meeting models pull`) to any number of clients. Once it
listens it prints one line of JSON to standard output, {"endpoint": …}, with the port that it got.
Models load in the background; a model that is missing makes its task "unavailable:" and stops
nothing else.

  --models FOLDER       the folder with one folder for each model
  --onnxruntime FILE    libonnxruntime.so.<version>, 1.21 or newer: of the onnxruntime wheel, or the
                        system's; `meeting engine` starts this program with the wheel's
  --endpoint ENDPOINT   where to listen; port 0 takes a free one, tcp://*:5555 listens on all
                        addresses, without any authentication       [tcp://127.0.0.1:5555]
  --workers N           requests that run at once                   [)" +
           std::to_string(cores()) + R"(, the cores]
  --queue N             requests that may wait; more are told "overloaded:"           [64]
  --deadline SECONDS    what a recognition may take; its deadline_ms can only shorten it  [120]
  --grace SECONDS       what running requests get to end after SIGTERM                [30]
  --version, --help

Try it, in Python with pyzmq:

  import zmq
  socket = zmq.Context().socket(zmq.REQ)
  socket.connect("tcp://127.0.0.1:5555")
  socket.send_json({"task_id": "1", "task_type": "info"})
  print(socket.recv_json())

Exit codes: 0 after SIGTERM or SIGINT, 1 when it can't start, 2 for a wrong command line. A second
signal ends it at once.
)";
}

}  // namespace meeting
