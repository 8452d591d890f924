// What happens when memory is short. This file replaces the program's `operator new`, so that a
// test can have every allocation above a size fail.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

#include "tests/stub.h"

namespace {

std::atomic<std::size_t> most = std::numeric_limits<std::size_t>::max();

struct Shortage {
    explicit Shortage(std::size_t bytes) { most = bytes; }
    ~Shortage() { most = std::numeric_limits<std::size_t>::max(); }
};

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return size > most ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) {
    void* memory = operator new(size, std::nothrow);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace meeting;
using nlohmann::json;

TEST_CASE("a request too large for the memory is refused by its name, and the engine goes on") {
    Fixture fixture;
    zmq::socket_t socket = fixture.connect(zmq::socket_type::dealer);
    const std::string bytes(2'000'000, 'A');
    {
        const Shortage shortage(1'000'000);
        Fixture::raw(socket, {{"task_id", "a"}, {"task_type", "echo"}}, bytes);
        const json reply = Fixture::receive(socket);
        CHECK(reply.at("task_id") == "a");
        CHECK(error(reply).starts_with("overloaded: "));
    }
    Fixture::raw(socket, {{"task_id", "b"}, {"task_type", "echo"}}, bytes);
    CHECK(Fixture::receive(socket).at("status") == "success");
}

TEST_CASE("JSON too large for the memory is refused, and the engine goes on") {
    Fixture fixture;
    const json request = {
        {"task_id", "a"}, {"task_type", "echo"}, {"input_data", std::string(2'000'000, 'A')}};
    zmq::socket_t socket = fixture.connect(zmq::socket_type::req);
    const std::string text = request.dump();
    {
        const Shortage shortage(1'000'000);
        socket.send(zmq::buffer(text));
        CHECK(error(Fixture::receive(socket)).starts_with("overloaded: "));
    }
    CHECK(fixture.ask(request).at("status") == "success");
}
