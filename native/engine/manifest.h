// The model folder: which models there are, and where their files lie.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace meeting {

// One <models>/<id>/model.json, checked: every file lies inside the model's folder, is a regular
// file reached by no symbolic link, and has the size that the manifest gives. Hashes are `meeting
// models verify`'s business.
struct Manifest {
    std::string id;
    std::string task;
    std::string sha256;                                  // of the pinned source weights, hex
    std::map<std::string, std::filesystem::path> files;  // role ("encoder") to absolute path

    // Throws Error{unavailable} when the model has no file of that role.
    const std::filesystem::path& file(const std::string& role) const;

    // Reads `folder`/model.json. Throws Error{unavailable} with the reason.
    static Manifest read(const std::filesystem::path& folder);
};

// A folder below `models` that holds a model.json, good or bad. `reason` is empty when `manifest`
// is good; the id is then the folder's name.
struct Found {
    std::string id;
    Manifest manifest;
    std::string reason;
};

// All models, in order of id. An absent `models` folder is an empty one.
std::vector<Found> scan(const std::filesystem::path& models);

}  // namespace meeting
