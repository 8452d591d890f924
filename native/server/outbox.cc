#include "server/outbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace meeting {

Outbox::Outbox() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

Outbox::~Outbox() { close(descriptor_); }

void Outbox::push(Reply reply) {
    {
        std::lock_guard lock(mutex_);
        replies_.push_back(std::move(reply));
    }
    wake();
}

void Outbox::wake() {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then it is readable anyway.
    [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

std::vector<Reply> Outbox::take() {
    std::uint64_t count = 0;
    // Read before the replies are taken: one that comes in between wakes once too often, not never.
    [[maybe_unused]] const auto got = read(descriptor_, &count, sizeof count);
    std::lock_guard lock(mutex_);
    return std::exchange(replies_, {});
}

}  // namespace meeting
