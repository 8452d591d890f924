#include "server/message.h"

#include <new>
#include <utility>

#include "server/reader.h"

namespace meeting {
namespace {

using json = nlohmann::json;

Parsed unreadable(const std::string& text) { return {{}, Error(Fault::invalid, text)}; }

std::string reply(const std::string& task_id, const char* status, json result,
                  const std::string& error, std::int64_t latency) {
    const json message = {{"task_id", task_id},
                          {"status", status},
                          {"result", std::move(result)},
                          {"error", error},
                          {"latency", latency}};
    // An error text may quote a request; what is no UTF-8 in it must not break the reply.
    return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Parsed parse(std::span<const std::string_view> frames) {
    if (frames.empty() || frames.size() > 2) {
        return unreadable("message: must be one frame of JSON, or a header and one frame of bytes");
    }
    for (const std::string_view frame : frames) {
        if (frame.size() > kLargestFrame) {
            return unreadable("message: a frame may hold at most 40 MB");
        }
    }
    const bool raw = frames.size() == 2;
    std::optional<Parsed> parsed = read(frames[0], raw);
    if (!parsed) {
        return unreadable(raw ? "message: the first of two frames must be a JSON object of at most "
                                "32 levels with \"v\":1"
                              : "message: must be a JSON object of at most 32 levels");
    }
    if (raw && !parsed->fault) {
        const auto bytes = std::as_bytes(std::span(frames[1]));
        try {
            parsed->request.input.assign(bytes.begin(), bytes.end());
        } catch (const std::bad_alloc&) {
            // Here, where the id is known: who has many in flight must learn which one it is.
            parsed->fault.emplace(Fault::overloaded, kNoMemory);
        }
    }
    return std::move(*parsed);
}

std::string success(const std::string& task_id, const json& result, std::int64_t latency) {
    return reply(task_id, "success", result, "", latency);
}

std::string failure(const std::string& task_id, const Error& error, std::int64_t latency) {
    return reply(task_id, "error", json::object(), error.wire(), latency);
}

}  // namespace meeting
