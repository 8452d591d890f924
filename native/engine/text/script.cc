#include "engine/text/script.h"

#include <unordered_map>

#include "engine/text/utf8.h"

namespace meeting::text {
namespace {

struct Pair {
    std::string_view from;
    std::string_view to;
};

constexpr Pair kPairs[] = {
#include "engine/text/script.inc"  // made by cmake/script.cmake
};

const std::unordered_map<std::string_view, std::string_view>& table() {
    static const auto made = [] {
        std::unordered_map<std::string_view, std::string_view> map;
        for (const Pair& pair : kPairs) map.emplace(pair.from, pair.to);
        return map;
    }();
    return made;
}

}  // namespace

std::string simplified(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = character(text);
        const std::string_view one = text.substr(0, size == 0 ? 1 : size);
        const auto found = table().find(one);
        out.append(found == table().end() ? one : found->second);
        text.remove_prefix(one.size());
    }
    return out;
}

}  // namespace meeting::text
