// The task types of the contract, each with its model, its limits and its code.
#pragma once

#include <vector>

#include "server/registry.h"

namespace meeting {

std::vector<Kind> catalogue();

}  // namespace meeting
