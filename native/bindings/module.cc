// meeting.engine._native: the engine on native threads of a Python process. Python talks to it over
// its socket like everybody else; here it is only started and stopped.
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "engine/manifest.h"
#include "engine/onnx.h"
#include "server/catalogue.h"
#include "server/server.h"

namespace py = pybind11;
using namespace meeting;

namespace {

// Stopping joins threads, which must not wait for a Python that waits for them.
struct Release {
    void operator()(Server* server) const {
        py::gil_scoped_release release;
        delete server;
    }
};

using Held = std::unique_ptr<Server, Release>;

Held create(const std::string& models, const std::string& library, const std::string& endpoint,
            unsigned workers, unsigned queue, unsigned deadline) {
    if (workers < 1 || workers > 256) {
        throw py::value_error("workers must be 1 to 256, found " + std::to_string(workers));
    }
    if (queue < 1) {
        throw py::value_error("queue must be 1 or more, found 0");
    }
    if (deadline < 1 || deadline > kLongestDeadline) {
        throw py::value_error("deadline must be 1 to " + std::to_string(kLongestDeadline) +
                              ", found " + std::to_string(deadline));
    }
    py::gil_scoped_release release;  // reading files and loading a library may take a while
    onnx::load(library);
    const Server::Options options = {.endpoint = endpoint,
                                     .limits = {.workers = workers, .jobs = queue}};
    return Held(Server::create(options, catalogue(deadline), scan(models)).release());
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    module.doc() = "The inference engine on native threads of this process.";
    module.attr("__version__") = MEETING_VERSION;
    py::class_<Server, Held>(module, "Engine", "Serves the models of one folder over ZeroMQ.")
        .def(py::init(&create), py::arg("models"), py::arg("library"), py::arg("endpoint"),
             py::arg("workers"), py::arg("queue"), py::arg("deadline") = kDeadline,
             "Load ONNX Runtime from `library` and bind `endpoint`.\n\n"
             "Raises RuntimeError, with the next step, when either can't be done.")
        .def_property_readonly("endpoint", &Server::endpoint,
                               "Where the engine listens, with the port that it got.")
        .def("start", &Server::start, py::call_guard<py::gil_scoped_release>(),
             "Serve; models load in the background. Once: RuntimeError the second time.")
        .def("stop", &Server::stop, py::call_guard<py::gil_scoped_release>(),
             "Take no new work, let running work end, join all threads. Again: does nothing.");
}
