// A request out of JSON text.
#pragma once

#include <optional>
#include <string_view>

#include "server/message.h"

namespace meeting {

// The request in `text`, or the fault of one of its values; nothing when the text is no JSON object
// of at most kDeepest levels, in valid UTF-8. `raw`: the header of the raw form, which has to say
// "v":1 and carries no input. Throws on no content but std::bad_alloc.
std::optional<Parsed> read(std::string_view text, bool raw);

}  // namespace meeting
