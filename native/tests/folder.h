// A folder for one test, gone after it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace meeting {

class Folder {
 public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "meeting-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = std::filesystem::canonical(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, const std::string& content) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << content;
    }

    std::filesystem::path path;
};

}  // namespace meeting
