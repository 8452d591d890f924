// Bytes to text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meeting::text {

// The length of the well-formed UTF-8 character at the front of `bytes`, or 0 if there is none.
std::size_t character(std::string_view bytes);

// `bytes` without what forms no character: a model that is stopped within a character, or errs,
// must not put malformed text on the wire.
std::string well_formed(std::string_view bytes);

// Without white space at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace meeting::text
