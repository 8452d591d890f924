// The command line of meeting-engine.
#pragma once

#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

#include "server/catalogue.h"

namespace meeting {

unsigned cores();  // that this process may use, 1 to 256

struct Flags {
    std::string endpoint = "tcp://127.0.0.1:5555";
    std::filesystem::path models;
    std::filesystem::path onnxruntime;
    unsigned workers = cores();
    unsigned queue = 64;
    unsigned deadline = kDeadline;  // seconds
    unsigned grace = 30;            // seconds
    bool help = false;
    bool version = false;
};

// A command line that is not understood; the text says what to type.
class Usage : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

// `arguments` without the program's name. Throws Usage.
Flags parse_flags(std::span<const char* const> arguments);

std::string help();

}  // namespace meeting
