#include "engine/onnx.h"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "engine/task.h"

namespace meeting::onnx {
namespace {

std::mutex mutex;  // protects `environment` while it is set
// Never deleted, and the library is never closed: the runtime's threads and thread-local data
// outlive any session.
Ort::Env* environment = nullptr;

Error unavailable(const std::string& text) { return Error(Fault::unavailable, text); }

}  // namespace

void load(const std::filesystem::path& library) {
    std::lock_guard lock(mutex);
    if (environment != nullptr) {
        return;
    }
    void* opened = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
        throw unavailable(std::string("ONNX Runtime can't be loaded: ") + dlerror() +
                          "; install the onnxruntime wheel and give the path of its "
                          "capi/libonnxruntime.so.<version>");
    }
    using Base = const OrtApiBase* (*)();
    const auto base = reinterpret_cast<Base>(dlsym(opened, "OrtGetApiBase"));
    if (base == nullptr) {
        dlclose(opened);
        throw unavailable(library.string() + " is not ONNX Runtime: it has no OrtGetApiBase");
    }
    const OrtApi* api = base()->GetApi(ORT_API_VERSION);
    if (api == nullptr) {
        const std::string found = base()->GetVersionString();
        dlclose(opened);
        throw unavailable(library.string() + " is ONNX Runtime " + found + "; 1." +
                          std::to_string(ORT_API_VERSION) + " or newer is needed");
    }
    Ort::InitApi(api);
    environment = new Ort::Env(ORT_LOGGING_LEVEL_ERROR, "meeting");
    // This process decides what leaves the machine; the runtime's telemetry does not.
    environment->DisableTelemetryEvents();
}

Session Session::create(const std::filesystem::path& model) {
    Ort::Env* env = nullptr;
    {
        std::lock_guard lock(mutex);
        env = environment;
    }
    if (env == nullptr) {
        throw unavailable("ONNX Runtime is not loaded");
    }
    try {
        Ort::SessionOptions options;
        // With as many workers as cores, one thread inside an operator is faster than more.
        options.SetIntraOpNumThreads(1);
        options.SetInterOpNumThreads(1);
        options.SetExecutionMode(ORT_SEQUENTIAL);
        options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
        // Spinning threads would burn a core while the server is idle.
        options.AddConfigEntry("session.intra_op.allow_spinning", "0");
        options.AddConfigEntry("session.inter_op.allow_spinning", "0");
        return Session(Ort::Session(*env, model.c_str(), options));
    } catch (const Ort::Exception& error) {
        throw unavailable("the model " + model.filename().string() +
                          " can't be loaded: " + error.what());
    }
}

std::vector<Ort::Value> Session::run(std::span<const char* const> input_names,
                                     std::span<const Ort::Value> inputs,
                                     std::span<const char* const> output_names) const {
    try {
        return session_.Run(Ort::RunOptions{nullptr}, input_names.data(), inputs.data(),
                            inputs.size(), output_names.data(), output_names.size());
    } catch (const Ort::Exception& error) {
        throw Error(Fault::internal, std::string("ONNX Runtime: ") + error.what());
    }
}

}  // namespace meeting::onnx
