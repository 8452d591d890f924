#include "server/library.h"

#include <string>
#include <system_error>
#include <vector>

#include "engine/onnx.h"
#include "engine/task.h"

namespace meeting {
namespace fs = std::filesystem;

namespace {

// libonnxruntime.so or libonnxruntime.so.<version> in `folder`, or nothing. Where the executable
// lies may be unknown; then the folders are relative, and whoever owns the working directory must
// not choose the code that runs here.
fs::path look(const fs::path& folder) {
    if (!folder.is_absolute()) {
        return {};
    }
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
        if (entry.path().filename().string().starts_with("libonnxruntime.so")) {
            return entry.path();
        }
    }
    return {};
}

}  // namespace

void load_runtime(const fs::path& given, const fs::path& executable) {
    if (!given.empty()) {
        onnx::load(given);
        return;
    }
    const fs::path folder = executable.parent_path();
    // An installed executable is site-packages/meeting/engine/bin/meeting-engine.
    const fs::path packages = folder.parent_path().parent_path().parent_path();
    for (const fs::path& place :
         {folder, folder.parent_path() / "lib", packages / "onnxruntime" / "capi"}) {
        if (const fs::path found = look(place); !found.empty()) {
            onnx::load(found);
            return;
        }
    }
    // The distribution's, which carries its version of the interface in its name.
    try {
        onnx::load("libonnxruntime.so.1");
    } catch (const Error&) {
        onnx::load("libonnxruntime.so");
    }
}

}  // namespace meeting
