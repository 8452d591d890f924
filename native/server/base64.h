// base64 as RFC 4648 has it, strictly: the form in which JSON carries bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace meeting {

// Nothing when `text` holds anything but the standard alphabet and right padding; line breaks are
// not base64 here.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace meeting
