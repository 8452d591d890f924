// What reference.py wrote.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace meeting::reference {

inline std::filesystem::path file(const std::string& name) {
    return std::filesystem::path(MEETING_REFERENCE) / name;
}

template <typename T>
std::vector<T> numbers(const std::string& name) {
    std::ifstream stream(file(name), std::ios::binary | std::ios::ate);
    REQUIRE_MESSAGE(stream, name);
    std::vector<T> out(static_cast<std::size_t>(stream.tellg()) / sizeof(T));
    stream.seekg(0);
    stream.read(reinterpret_cast<char*>(out.data()),
                static_cast<std::streamsize>(out.size() * sizeof(T)));
    return out;
}

inline std::vector<float> floats(const std::string& name) { return numbers<float>(name + ".f32"); }
inline std::vector<double> doubles(const std::string& name) {
    return numbers<double>(name + ".f64");
}

inline nlohmann::json parsed(const std::string& name) {
    std::ifstream stream(file(name));
    return nlohmann::json::parse(stream);
}

}  // namespace meeting::reference
