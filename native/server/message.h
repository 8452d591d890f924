// The messages on the wire: one-frame JSON, raw frames, and the reply to both. All input is
// hostile.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/task.h"

namespace meeting {

// The contract's 40 MB, in the sense that lets 30 MB of sound in base64 through with the JSON
// around it. The socket itself cuts connections a little above, so that a frame just over the limit
// still gets an answer.
constexpr std::size_t kLargestFrame = 40 << 20;
constexpr int kDeepest = 32;

// Where an answer goes: the ROUTER's name for the peer, and whether the peer (a REQ socket) wants
// an empty frame before it.
struct Address {
    std::string peer;
    bool delimited = false;
};

struct Request {
    std::string task_id;
    std::string task_type;
    std::string model_path;
    Params params;
    std::vector<std::byte> input;
};

// What came out of a message: a request, or the fault to answer with. `request.task_id` is "" when
// the message could not be read at all.
struct Parsed {
    Request request;
    std::optional<Error> fault;
};

constexpr const char* kNoMemory = "the engine is out of memory";

// Reads one frame (JSON form) or two (raw form: header, bytes). Throws on no content but
// std::bad_alloc, and that for the raw form's bytes is a fault; unknown keys are ignored.
Parsed parse(std::span<const std::string_view> frames);

// The reply, always with all five keys. `latency` is in milliseconds.
std::string success(const std::string& task_id, const nlohmann::json& result, std::int64_t latency);
std::string failure(const std::string& task_id, const Error& error, std::int64_t latency);

}  // namespace meeting
