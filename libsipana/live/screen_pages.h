// Pages of text: findings, totals, help.
#pragma once

#include "libsipana/live/screen_text.h"

namespace sipana::live {

// What breaks a rule, with the clause: of these calls and their streams, or of no call.
class FindingsView : public PageView {
public:
    FindingsView(Sight& sight, std::vector<CallPtr> calls)
        : PageView(sight), calls_(std::move(calls)) {}
    void refresh() override;

protected:
    std::string title() const override;
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;

private:
    std::vector<CallPtr> calls_;
    std::uint64_t told_ = 0;
};

// What was captured and what became of it: nothing is lost without being counted.
class TotalsView : public PageView {
public:
    using PageView::PageView;
    void refresh() override { changed(); }

protected:
    std::string title() const override { return "totals"; }
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;
};

class HelpView : public PageView {
public:
    HelpView(Sight& sight, std::vector<std::string> text)
        : PageView(sight), text_(std::move(text)) {}

protected:
    std::string title() const override { return "keys"; }
    std::vector<Styled> lines(std::size_t width, const render::Style& style) override;

private:
    std::vector<std::string> text_;
};

}  // namespace sipana::live
