#include "server/registry.h"

#include <doctest/doctest.h>

using namespace meeting;
using nlohmann::json;

namespace {

class Nothing : public Task {
    json run(std::span<const std::byte>, const Params&, const Stop&) override {
        return json::object();
    }
};

Found found(const std::string& id, const std::string& task, const std::string& reason = "") {
    return {id, Manifest{.id = id, .task = task, .sha256 = "ab", .files = {}}, reason};
}

std::vector<Kind> kinds() {
    const auto load = [](const Manifest&, const Kind::Parts&) {
        return std::make_unique<Nothing>();
    };
    return {{.task = "speech_recognition",
             .model = "whisper_base",
             .deadline = std::chrono::seconds(120),
             .parts = {{"silero_vad", "voice_activity"}},
             .load = load},
            {.task = "emotion_detection",
             .model = "emotion_net",
             .deadline = std::chrono::seconds(10),
             .load = load}};
}

// A registry that has loaded what it can.
std::unique_ptr<Registry> loaded(std::vector<Found> models, std::vector<Kind> known = kinds()) {
    auto registry = std::make_unique<Registry>(std::move(known), std::move(models));
    registry->load(std::atomic<bool>{false});
    return registry;
}

std::string why(const Registry& registry, const std::string& id) {
    try {
        registry.task(id);
    } catch (const Error& error) {
        return error.wire();
    }
    return "";
}

Status status(const Registry& registry, const std::string& id) {
    for (const Status& model : registry.models()) {
        if (model.id == id) {
            return model;
        }
    }
    FAIL("not listed: " << id);
    return {};
}

std::string refusal(const Registry& registry, const std::string& path) {
    try {
        registry.resolve(registry.kind("speech_recognition"), path);
    } catch (const Error& error) {
        return error.wire();
    }
    return "";
}

}  // namespace

TEST_CASE("a model is named by its base name, below the virtual root or not") {
    const Registry registry(kinds(), {found("whisper_tiny", "speech_recognition")});
    const Kind& kind = registry.kind("speech_recognition");
    for (const char* path : {"", "whisper_base", "whisper_base.onnx", "/models/whisper_base",
                             "/models/whisper_base.onnx"}) {
        CAPTURE(path);
        CHECK(registry.resolve(kind, path) == "whisper_base");
    }
    CHECK(registry.resolve(kind, "whisper_tiny") == "whisper_tiny");
}

TEST_CASE("any other directory, dots, unknown names and other tasks' models are refused") {
    const Registry registry(kinds(), {});
    for (const std::string& path : std::vector<std::string>{"/etc/passwd",
                                                            "../whisper_base",
                                                            "..",
                                                            ".",
                                                            "/models/../whisper_base",
                                                            "/models/",
                                                            "/models//whisper_base",
                                                            "models/whisper_base",
                                                            "/models/x/whisper_base",
                                                            "\\models\\whisper_base",
                                                            "/whisper_base",
                                                            "whisper_base/",
                                                            "whisper",
                                                            "emotion_net",
                                                            "silero_vad",
                                                            ".onnx",
                                                            "whisper_base.onnx.onnx",
                                                            "Whisper_base",
                                                            std::string("whisper_base\0", 13),
                                                            "whisper_base ",
                                                            "\xff"}) {
        CAPTURE(path);
        CHECK(refusal(registry, path).starts_with("invalid: model_path: "));
    }
}

TEST_CASE("an unknown task_type is refused with those that there are") {
    const Registry registry(kinds(), {});
    CHECK_THROWS_WITH_AS(registry.kind("voice_activity"),
                         "task_type: must be speech_recognition, emotion_detection, ping, info or "
                         "cancel",
                         Error);
}

TEST_CASE("models go from loading to ready, and a part with the model that needs it") {
    Registry registry(kinds(), {found("whisper_base", "speech_recognition"),
                                found("silero_vad", "voice_activity")});
    CHECK(status(registry, "whisper_base").status == "loading");
    CHECK(status(registry, "silero_vad").status == "loading");
    CHECK(why(registry, "whisper_base") == "unavailable: model whisper_base is loading");
    registry.load(std::atomic<bool>{false});
    CHECK(status(registry, "whisper_base").status == "ready");
    CHECK(status(registry, "whisper_base").sha256 == "ab");
    CHECK(status(registry, "silero_vad").status == "ready");
    CHECK(registry.task("whisper_base") != nullptr);
}

TEST_CASE("an absent model is listed and unavailable, and others are not touched by that") {
    const auto registry = loaded({found("emotion_net", "emotion_detection")});
    CHECK(status(*registry, "whisper_base").status == "unavailable");
    CHECK(status(*registry, "whisper_base").task == "speech_recognition");
    CHECK(why(*registry, "whisper_base").starts_with("unavailable: model whisper_base: "));
    CHECK(why(*registry, "whisper_base").find("meeting models pull") != std::string::npos);
    CHECK(status(*registry, "emotion_net").status == "ready");
}

TEST_CASE("a model whose part is missing is unavailable and says which") {
    const auto registry = loaded({found("whisper_base", "speech_recognition")});
    CHECK(why(*registry, "whisper_base").find("it needs silero_vad") != std::string::npos);
}

TEST_CASE("a broken folder, a wrong task and a failed load are reasons, not failures") {
    auto failing = kinds();
    failing[1].load = [](const Manifest&, const Kind::Parts&) -> std::unique_ptr<Task> {
        throw std::runtime_error("the file is no model");
    };
    const auto registry = loaded(
        {found("whisper_base", "", "model.json can't be read"),
         found("silero_vad", "emotion_detection"), found("emotion_net", "emotion_detection")},
        failing);
    CHECK(status(*registry, "whisper_base").reason == "model.json can't be read");
    CHECK(status(*registry, "silero_vad").status == "unavailable");
    CHECK(status(*registry, "emotion_net").reason == "the file is no model");
}

TEST_CASE("a task without code is known and unavailable") {
    auto bare = kinds();
    bare[1].load = nullptr;
    const auto registry = loaded({found("emotion_net", "emotion_detection")}, bare);
    CHECK(registry->resolve(registry->kind("emotion_detection"), "") == "emotion_net");
    CHECK(why(*registry, "emotion_net").find("no code") != std::string::npos);
}

TEST_CASE("a model of a task that nobody knows is listed as unavailable") {
    const auto registry = loaded({found("cat_finder", "cat_detection")});
    CHECK(status(*registry, "cat_finder").reason == "this engine has no task cat_detection");
}
