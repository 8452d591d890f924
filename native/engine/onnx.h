// The one door to ONNX Runtime: its library is loaded at run time, and all sessions get the same
// options.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <filesystem>
#include <span>
#include <vector>

namespace meeting::onnx {

// Loads libonnxruntime. Comes before the first Ort:: object of the process; the second and later
// calls do nothing. Thread-safe. Throws Error{unavailable} with the next step when the file is
// missing, is no ONNX Runtime, or is older than the headers of this build.
void load(const std::filesystem::path& library);

// A model that is loaded and ready. `run` may be called by several threads at once.
class Session {
 public:
    // Precondition: `load` succeeded. Throws Error{unavailable} when the file can't be loaded.
    static Session create(const std::filesystem::path& model);

    // Computes the outputs named, in that order. Throws Error{internal} with the runtime's own
    // words.
    std::vector<Ort::Value> run(std::span<const char* const> input_names,
                                std::span<const Ort::Value> inputs,
                                std::span<const char* const> output_names) const;

    // For what lies beyond `run`: names and shapes of inputs.
    Ort::Session& raw() const { return session_; }

 private:
    explicit Session(Ort::Session session) : session_(std::move(session)) {}

    // Ort declares Run non-const although the runtime allows concurrent calls.
    mutable Ort::Session session_;
};

// A tensor that looks at `data`, which has to outlive it.
template <typename T>
Ort::Value view(std::span<T> data, std::span<const std::int64_t> shape) {
    static const Ort::MemoryInfo memory =
        Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    using Element = std::remove_const_t<T>;
    return Ort::Value::CreateTensor<Element>(memory, const_cast<Element*>(data.data()), data.size(),
                                             shape.data(), shape.size());
}

}  // namespace meeting::onnx
