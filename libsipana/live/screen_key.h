// Key: what the user did, as the views see it: a key, or the mouse.
#pragma once

#include <cstdint>
#include <string>

namespace sipana::live {

struct Key {
    enum class Name : std::uint8_t {
        none,
        character,
        up,
        down,
        left,
        right,
        page_up,
        page_down,
        home,
        end,
        enter,
        escape,
        backspace,
        erase,
        tab,
        back_tab,
        f1,
        f2,
        f3,
        f4,
        f5,
        f6,
        f7,
        f8,
        f9,
        f10,
        f11,
        f12,
        click,
        double_click,
        wheel_up,
        wheel_down,
        redraw,
    };
    Name name = Name::none;
    std::string text;          // of a character: it, in UTF-8
    std::size_t x = 0, y = 0;  // of the mouse
    bool is(char c) const { return name == Name::character && text.size() == 1 && text[0] == c; }
    bool is(Name n) const { return name == n; }
    bool is(Name n, char c) const { return is(n) || is(c); }
    bool is_mouse() const { return name >= Name::click && name <= Name::wheel_down; }

    static Key of(char c) { return {Name::character, std::string(1, c)}; }
    static Key of(Name name) { return {name, {}}; }
};

// A line that is typed into, in UTF-8.
class Field {
public:
    static constexpr std::size_t most_bytes = 500;
    explicit Field(std::string text = {}) : text_(std::move(text)), at_(text_.size()) {}
    const std::string& text() const { return text_; }
    std::size_t cursor() const { return at_; }  // in bytes
    // True: the key was for the field.
    bool on_key(const Key& key) {
        if (key.is(Key::Name::character)) {
            if (text_.size() + key.text.size() > most_bytes) return true;
            text_.insert(at_, key.text);
            at_ += key.text.size();
        } else if (key.is(Key::Name::backspace)) {
            const std::size_t end = at_;
            step_back();
            text_.erase(at_, end - at_);
        } else if (key.is(Key::Name::erase)) {
            const std::size_t from = at_;
            step_on();
            text_.erase(from, at_ - from);
            at_ = from;
        } else if (key.is(Key::Name::left)) {
            step_back();
        } else if (key.is(Key::Name::right)) {
            step_on();
        } else if (key.is(Key::Name::home)) {
            at_ = 0;
        } else if (key.is(Key::Name::end)) {
            at_ = text_.size();
        } else {
            return false;
        }
        return true;
    }

private:
    bool inside(std::size_t i) const {
        return i < text_.size() && (static_cast<unsigned char>(text_[i]) & 0xc0) == 0x80;
    }
    void step_back() {
        if (at_ > 0) --at_;
        while (at_ > 0 && inside(at_)) --at_;
    }
    void step_on() {
        if (at_ < text_.size()) ++at_;
        while (inside(at_)) ++at_;
    }

    std::string text_;
    std::size_t at_ = 0;
};

}  // namespace sipana::live
