// Dialogs of choices: settings, columns of the list, and how to save.
#pragma once

#include "libsipana/live/screen_columns.h"
#include "libsipana/live/screen_view.h"

namespace sipana::live {

class ChoicesView : public View {
public:
    using View::View;
    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;
    bool over_others() const override { return true; }

protected:
    virtual std::string title() const = 0;
    virtual std::size_t count() const = 0;
    virtual std::string word(std::size_t at) const = 0;
    virtual bool chosen(std::size_t at) const = 0;
    virtual void choose(std::size_t at) = 0;
    virtual Turn take() { return close(); }  // Enter
    std::size_t at_ = 0;

private:
    std::size_t top_ = 0;
    Box box_;
};

class SettingsView : public ChoicesView {
public:
    using ChoicesView::ChoicesView;

protected:
    std::string title() const override { return "Settings"; }
    std::size_t count() const override;
    std::string word(std::size_t at) const override;
    bool chosen(std::size_t at) const override;
    void choose(std::size_t at) override;
};

class ColumnsView : public ChoicesView {
public:
    ColumnsView(Sight& sight, std::vector<ListColumn>& columns)
        : ChoicesView(sight), columns_(columns) {}

protected:
    std::string title() const override { return "Columns"; }
    std::size_t count() const override { return list_columns; }
    std::string word(std::size_t at) const override;
    bool chosen(std::size_t at) const override;
    void choose(std::size_t at) override;

private:
    std::vector<ListColumn>& columns_;
};

class SaveView : public ChoicesView {
public:
    SaveView(Sight& sight, std::vector<std::uint64_t> numbers)
        : ChoicesView(sight), numbers_(std::move(numbers)) {}

protected:
    std::string title() const override;
    std::size_t count() const override;
    std::string word(std::size_t at) const override;
    bool chosen(std::size_t at) const override { return at == at_; }
    void choose(std::size_t at) override { at_ = at; }
    Turn take() override;

private:
    std::vector<std::uint64_t> numbers_;
};

}  // namespace sipana::live
