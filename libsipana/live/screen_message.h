// Messages on the screen: one, with its explanation or with the differences to another; and all of
// a call.
//
// Secrets are masked (render::masked).
#pragma once

#include <optional>

#include "libsipana/live/screen_asked.h"
#include "libsipana/live/screen_text.h"

namespace sipana::live {

// One message of a call that is held.
struct ChosenMessage {
    CallPtr call;
    std::size_t index = 0;
    const analysis::SipMessage& message() const { return call->messages[index]; }
    bool operator==(const ChosenMessage& other) const {
        return call && other.call && call->number == other.call->number && index == other.index;
    }
};

// The message before it that went the same way; none: null call.
ChosenMessage previous_of(const ChosenMessage& chosen);

struct MessageSettings {
    bool explained = false, diff = false;
    std::size_t width = 80;
};
std::vector<Styled> message_lines(const ChosenMessage& chosen, const MessageSettings& settings,
                                  const render::Style& style);
std::vector<Styled> diff_lines(const ChosenMessage& before, const ChosenMessage& after,
                               std::size_t width, const render::Style& style);
std::string message_word(const analysis::SipMessage& message);  // "INVITE", "200 OK"

// One message, the whole screen wide. Left and right go through its call.
class MessageView : public PageView {
public:
    MessageView(Sight& sight, ChosenMessage chosen) : PageView(sight), chosen_(std::move(chosen)) {}
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;

protected:
    std::string title() const override;
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;

private:
    ChosenMessage chosen_;
};

// Two messages that the user marked.
class CompareView : public PageView {
public:
    CompareView(Sight& sight, ChosenMessage before, ChosenMessage after)
        : PageView(sight), before_(std::move(before)), after_(std::move(after)) {}

protected:
    std::string title() const override;
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;

private:
    ChosenMessage before_, after_;
};

// All messages of calls, as they came.
class RawView : public PageView {
public:
    static constexpr std::size_t most_messages = 1000;
    RawView(Sight& sight, std::vector<std::uint64_t> numbers);
    RawView(Sight& sight, std::vector<CallPtr> calls);

protected:
    std::string title() const override;
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;

private:
    void refresh() override;
    std::optional<AskedCalls> asked_;
    std::vector<CallPtr> calls_;
    bool arrived_ = false;
};

}  // namespace sipana::live
