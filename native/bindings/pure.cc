#include "bindings/pure.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/audio/mel.h"
#include "engine/audio/resample.h"
#include "engine/speech/logits.h"

namespace py = pybind11;

namespace meeting {
namespace {

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

std::span<const float> row(const Floats& array) {
    if (array.ndim() != 1) throw py::value_error("one dimension is needed");
    return {array.data(), static_cast<std::size_t>(array.size())};
}

template <typename T>
py::array_t<T> array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
    py::array_t<T> out(std::move(shape));
    std::copy(values.begin(), values.end(), out.mutable_data());
    return out;
}

py::array_t<double> language_distribution(const Floats& logits, std::int64_t first,
                                          std::size_t count) {
    const auto found = speech::language_distribution(row(logits), first, count);
    return array(found, {static_cast<py::ssize_t>(found.size())});
}

double confidence(const Floats& rows, const std::vector<std::int64_t>& tokens) {
    if (rows.ndim() != 2) throw py::value_error("two dimensions are needed");
    const auto width = static_cast<std::size_t>(rows.shape(1));
    std::vector<std::span<const float>> spans;
    for (py::ssize_t i = 0; i < rows.shape(0); ++i) spans.emplace_back(rows.data(i), width);
    return speech::confidence(spans, tokens);
}

py::array_t<float> resample(const Floats& samples, int from, int to) {
    const auto made = audio::resample(row(samples), from, to);
    return array(made, {static_cast<py::ssize_t>(made.size())});
}

py::array_t<float> log_mel(const Floats& samples) {
    return array(audio::log_mel(row(samples)), {audio::kMels, audio::kFrames});
}

}  // namespace

void bind_pure(py::module_& module) {
    module.def("language_distribution", &language_distribution, py::arg("logits"),
               py::arg("first") = 50259, py::arg("count") = 99,
               "Softmax over `count` language tokens from id `first`, of one row of logits.");
    module.def("confidence", &confidence, py::arg("rows"), py::arg("tokens"),
               "exp of the mean log probability of `tokens`, one row of raw logits for each.");
    module.def("resample", &resample, py::arg("samples"), py::arg("from_rate"), py::arg("to_rate"),
               "Samples of one channel at another rate, both in Hz.");
    module.def("log_mel", &log_mel, py::arg("samples"),
               "Whisper's input, [80, 3000], of up to 30 s at 16 kHz.");
}

}  // namespace meeting
