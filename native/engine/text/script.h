// Chinese script.
#pragma once

#include <string>
#include <string_view>

namespace meeting::text {

// Traditional characters become simplified ones, one by one, by OpenCC's table; all else stays.
// Whisper mixes both scripts. Characters whose form depends on the word take the usual one.
// Precondition: well-formed UTF-8.
std::string simplified(std::string_view text);

}  // namespace meeting::text
