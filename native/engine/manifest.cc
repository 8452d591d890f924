#include "engine/manifest.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/task.h"

namespace meeting {
namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kLargestManifest = 1 << 20;

Error unusable(const std::string& text) {
    return Error(Fault::unavailable, text + "; run `meeting models pull`");
}

// The file at `relative` below `folder`, or an Error. Looked at component by component, because a
// symbolic link anywhere on the way may lead out of the folder.
fs::path inside(const fs::path& folder, const std::string& relative) {
    const fs::path path(relative);
    if (relative.empty() || path.is_absolute() || relative.find('\0') != std::string::npos) {
        throw unusable("model.json names a file outside its folder");
    }
    fs::path walked = folder;
    for (const fs::path& part : path) {
        if (part == ".." || part == "." || part.empty()) {
            throw unusable("model.json names a file outside its folder");
        }
        walked /= part;
        std::error_code failed;
        const fs::file_status status = fs::symlink_status(walked, failed);
        if (status.type() == fs::file_type::not_found) {
            throw unusable("the file " + relative + " is missing");
        }
        if (fs::is_symlink(status)) {
            throw unusable("the file " + relative + " is reached by a symbolic link");
        }
    }
    if (!fs::is_regular_file(walked)) {
        throw unusable(relative + " is not a file");
    }
    return walked;
}

}  // namespace

const fs::path& Manifest::file(const std::string& role) const {
    const auto found = files.find(role);
    if (found == files.end()) {
        throw unusable("model.json of " + id + " names no file for " + role);
    }
    return found->second;
}

Manifest Manifest::read(const fs::path& folder) {
    const fs::path path = inside(folder, "model.json");
    if (fs::file_size(path) > kLargestManifest) {
        throw unusable("model.json is larger than 1 MB");
    }
    std::ifstream stream(path, std::ios::binary);
    Manifest manifest;
    try {
        const auto json = nlohmann::json::parse(stream);
        if (json.at("format").get<int>() != 1) {
            throw unusable("model.json has another format than 1");
        }
        manifest.id = json.at("id").get<std::string>();
        manifest.task = json.at("task").get<std::string>();
        manifest.sha256 = json.at("sha256").get<std::string>();
        for (const auto& [role, entry] : json.at("files").items()) {
            const auto relative = entry.at("path").get<std::string>();
            const auto size = entry.at("size").get<std::uintmax_t>();
            fs::path file = inside(folder, relative);
            if (fs::file_size(file) != size) {
                throw unusable("the file " + relative + " has another size than model.json gives");
            }
            manifest.files.emplace(role, std::move(file));
        }
    } catch (const nlohmann::json::exception&) {
        throw unusable("model.json can't be read");
    } catch (const fs::filesystem_error& error) {
        throw unusable("the model's files can't be read: " + error.code().message());
    }
    if (manifest.id != folder.filename()) {
        throw unusable("model.json gives the id " + manifest.id + ", not the folder's name");
    }
    return manifest;
}

std::vector<Found> scan(const fs::path& models) {
    std::vector<Found> all;
    std::error_code failed;
    const fs::path root = fs::canonical(models, failed);
    if (failed) {
        return all;
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(root, failed)) {
        std::error_code ignored;
        if (!entry.is_directory(ignored) || !fs::exists(entry.path() / "model.json", ignored)) {
            continue;
        }
        Found found{.id = entry.path().filename().string(), .manifest = {}, .reason = {}};
        try {
            if (entry.is_symlink()) {
                throw unusable("the model's folder is a symbolic link");
            }
            found.manifest = Manifest::read(entry.path());
        } catch (const Error& error) {
            found.reason = error.what();
        } catch (const fs::filesystem_error& error) {
            found.reason = "the model's folder can't be read: " + error.code().message();
        }
        all.push_back(std::move(found));
    }
    std::sort(all.begin(), all.end(),
              [](const Found& one, const Found& other) { return one.id < other.id; });
    return all;
}

}  // namespace meeting
