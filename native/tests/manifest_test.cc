#include "engine/manifest.h"

#include <doctest/doctest.h>

#include "engine/task.h"
#include "folder.h"

using meeting::Error;
using meeting::Folder;
using meeting::Found;
using meeting::Manifest;
namespace fs = std::filesystem;

namespace {

std::string manifest(const std::string& id, const std::string& file, int size) {
    return R"({"format":1,"id":")" + id +
           R"(","task":"speech_recognition","sha256":"ab","files":{"model":{"path":")" + file +
           R"(","size":)" + std::to_string(size) + R"(,"sha256":"cd"}}})";
}

std::string reason(const Folder& folder) {
    const std::vector<Found> all = meeting::scan(folder.path);
    REQUIRE(all.size() == 1);
    return all[0].reason;
}

}  // namespace

TEST_CASE("a good model folder is read with its id, task, hash and files") {
    const Folder folder;
    folder.write("net/model.onnx", "12345");
    folder.write("net/model.json", manifest("net", "model.onnx", 5));
    const std::vector<Found> all = meeting::scan(folder.path);
    REQUIRE(all.size() == 1);
    CHECK(all[0].reason == "");
    CHECK(all[0].id == "net");
    CHECK(all[0].manifest.task == "speech_recognition");
    CHECK(all[0].manifest.sha256 == "ab");
    CHECK(all[0].manifest.file("model") == folder.path / "net" / "model.onnx");
    CHECK_THROWS_AS(all[0].manifest.file("encoder"), Error);
}

TEST_CASE("an absent models folder is an empty one, and other folders are passed over") {
    const Folder folder;
    CHECK(meeting::scan(folder.path / "absent").empty());
    folder.write("notes/readme.txt", "no model here");
    CHECK(meeting::scan(folder.path).empty());
}

TEST_CASE("a file that is missing or has another size makes the model unavailable") {
    const Folder folder;
    folder.write("net/model.json", manifest("net", "model.onnx", 5));
    CHECK(reason(folder).find("missing") != std::string::npos);
    folder.write("net/model.onnx", "1234");
    CHECK(reason(folder).find("another size") != std::string::npos);
}

TEST_CASE("a path that leaves the model's folder is refused, by dots, root or link") {
    const Folder folder;
    folder.write("secret", "12345");
    for (const std::string path :
         {"../secret", "/etc/passwd", "", ".", "sub/../../secret", "./model.onnx"}) {
        CAPTURE(path);
        folder.write("net/model.json", manifest("net", path, 5));
        CHECK(reason(folder) != "");
    }
    fs::create_symlink(folder.path / "secret", folder.path / "net" / "model.onnx");
    folder.write("net/model.json", manifest("net", "model.onnx", 5));
    CHECK(reason(folder).find("symbolic link") != std::string::npos);
}

TEST_CASE("a manifest that is not understood makes the model unavailable") {
    const Folder folder;
    for (const std::string text :
         {"", "{", "[]", "null", R"({"format":2})", R"({"format":"1"})",
          R"({"format":1,"id":"net","task":"t","sha256":"s","files":[1]})",
          R"({"format":1,"id":"net","task":"t","sha256":"s","files":{"m":{"path":3}}})",
          R"({"format":1,"id":"other","task":"t","sha256":"s","files":{}})"}) {
        CAPTURE(text);
        folder.write("net/model.json", text);
        CHECK(reason(folder) != "");
    }
}
