// Where ONNX Runtime lies when nobody says so.
#pragma once

#include <filesystem>

namespace meeting {

// Loads ONNX Runtime: from `given`, or, when that is empty, from the first place that has it:
// beside the executable, in ../lib, in the site-packages that the executable was installed into, on
// the loader's path. Throws Error{unavailable} with the next step.
void load_runtime(const std::filesystem::path& given, const std::filesystem::path& executable);

}  // namespace meeting
