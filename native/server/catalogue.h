// The task types of the contract, each with its model, its limits and its code.
#pragma once

#include <vector>

#include "server/registry.h"

namespace meeting {

// Seconds that a recognition may take unless somebody says otherwise, and the most that one may
// say: a day, as long as a person may think at a breakpoint.
inline constexpr unsigned kDeadline = 120;
inline constexpr unsigned kLongestDeadline = 86'400;

std::vector<Kind> catalogue(unsigned deadline);

}  // namespace meeting
