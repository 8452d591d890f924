#include "server/reader.h"

#include <utility>

#include "server/base64.h"

namespace meeting {
namespace {

using json = nlohmann::json;

constexpr std::size_t kLongestName = 256;    // bytes of task_id, task_type, model_path
constexpr std::size_t kLongestParam = 4096;  // bytes of one value
constexpr std::size_t kMostParams = 64;
constexpr const char* kInput = "input_data: must be base64 text or an array of integers 0 to 255";

// Fills a Request while the text is being read, so that no tree of a hostile message ever stands in
// memory: 40 MB of "[[],[],…" would be a gigabyte of nodes. A value of the wrong kind is noted and
// reading goes on, because the answer needs the task_id that may come later; only broken JSON ends
// it.
class Reader : public nlohmann::json_sax<json> {
 public:
    explicit Reader(bool raw) : raw_(raw) {}

    Parsed take() && { return {std::move(request_), std::move(fault_)}; }

    bool null() override {
        if (depth_ == 2 && field_ == Field::input) {
            note(kInput);
        }
        return true;  // elsewhere null is the same as absent
    }

    bool boolean(bool) override { return unfit(); }

    bool number_integer(number_integer_t number) override {
        if (in_array()) {
            return octet(number >= 0 ? static_cast<number_unsigned_t>(number) : 256);
        }
        return number_text(std::to_string(number));
    }

    bool number_unsigned(number_unsigned_t number) override {
        if (in_array()) {
            return octet(number);
        }
        if (depth_ == 1 && field_ == Field::version) {
            version_ = number == 1;
            return true;
        }
        return number_text(std::to_string(number));
    }

    bool number_float(number_float_t, const string_t& text) override {
        return in_array() ? octet(256) : number_text(text);
    }

    bool string(string_t& text) override {
        if (in_params()) {
            return param(text);
        }
        if (depth_ != 1) {
            return unfit();
        }
        switch (field_) {
            case Field::task_id:
                return name(request_.task_id, "task_id", text);
            case Field::task_type:
                return name(request_.task_type, "task_type", text);
            case Field::model_path:
                return name(request_.model_path, "model_path", text);
            case Field::input:
                if (auto bytes = decode_base64(text)) {
                    request_.input = std::move(*bytes);
                } else {
                    note("input_data: is not base64");
                }
                return true;
            default:
                return unfit();
        }
    }

    bool binary(binary_t&) override { return false; }  // JSON has none

    bool start_object(std::size_t) override {
        if (depth_ > 0 && !(depth_ == 1 && field_ == Field::params)) {
            unfit();
        }
        return ++depth_ <= kDeepest;
    }

    bool end_object() override { return leave(); }

    bool start_array(std::size_t) override {
        if (depth_ == 0) {
            return false;  // a request is an object
        }
        if (depth_ == 1 && field_ == Field::input) {
            request_.input.clear();
        } else {
            unfit();
        }
        return ++depth_ <= kDeepest;
    }

    bool end_array() override { return leave(); }

    bool key(string_t& text) override {
        if (depth_ == 1) {
            field_ = field(text);
        } else if (in_params()) {
            param_ = text.substr(0, kLongestName);
        }
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
        return false;
    }

    // Whether the text was an object, with "v":1 where the raw form wants it.
    bool complete() const { return closed_ && (!raw_ || version_); }

 private:
    enum class Field { other, task_id, task_type, model_path, input, params, version };

    Field field(std::string_view key) const {
        if (key == "task_id") return Field::task_id;
        if (key == "task_type") return Field::task_type;
        if (key == "model_path") return Field::model_path;
        if (key == "input_data" && !raw_) return Field::input;
        if (key == "params") return Field::params;
        if (key == "v") return Field::version;
        return Field::other;
    }

    bool in_params() const { return depth_ == 2 && field_ == Field::params; }
    bool in_array() const { return depth_ == 2 && field_ == Field::input; }

    bool leave() {
        --depth_;
        closed_ = depth_ == 0;
        return true;
    }

    // The first fault is the one to tell.
    void note(const std::string& text) {
        if (!fault_) {
            fault_.emplace(Fault::invalid, text);
        }
    }

    // A value of a kind that its place does not take. Inside unknown keys everything goes.
    bool unfit() {
        if (depth_ == 0) {
            return false;
        }
        switch (field_) {
            case Field::task_id:
                note("task_id: must be a text");
                break;
            case Field::task_type:
                note("task_type: must be a text");
                break;
            case Field::model_path:
                note("model_path: must be a text");
                break;
            case Field::input:
                note(kInput);
                break;
            case Field::params:
                note(depth_ == 1 ? "params: must be an object"
                                 : param_ + ": must be a text or a number");
                break;
            default:
                break;
        }
        return true;
    }

    bool name(std::string& target, const char* key, std::string& text) {
        if (text.size() > kLongestName) {
            note(std::string(key) + ": longer than " + std::to_string(kLongestName) + " bytes");
        } else {
            target = std::move(text);
        }
        return true;
    }

    bool number_text(const std::string& text) { return in_params() ? param(text) : unfit(); }

    bool param(const std::string& text) {
        if (text.size() > kLongestParam) {
            note(param_ + ": longer than " + std::to_string(kLongestParam) + " bytes");
        } else if (request_.params.size() >= kMostParams && !request_.params.contains(param_)) {
            note("params: more than " + std::to_string(kMostParams));
        } else {
            request_.params[param_] = text;
        }
        return true;
    }

    bool octet(number_unsigned_t number) {
        if (number > 255) {
            note(kInput);
        } else {
            request_.input.push_back(static_cast<std::byte>(number));
        }
        return true;
    }

    const bool raw_;
    Request request_;
    std::optional<Error> fault_;
    std::string param_;
    Field field_ = Field::other;
    int depth_ = 0;
    bool version_ = false;
    bool closed_ = false;
};

}  // namespace

std::optional<Parsed> read(std::string_view text, bool raw) {
    Reader reader(raw);
    // The parser takes a NUL for the end of the text, whatever follows.
    if (text.find('\0') != text.npos || !json::sax_parse(text.begin(), text.end(), &reader) ||
        !reader.complete()) {
        return std::nullopt;
    }
    return std::move(reader).take();
}

}  // namespace meeting
