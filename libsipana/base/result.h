// Result<T>: a T, or the Error that explains why there is none.
//
// The only failure channel inside libsipana (docs/hacking.md, "Errors"): nothing throws
// across a public header.
#pragma once

#include <cassert>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace sipana {

enum class Errc {
    truncated,    // the input ends before the thing it announces
    malformed,    // the input breaks its own grammar
    unsupported,  // well-formed, but not a version or kind we read
    too_large,    // a cap of ours was reached
    not_found,    // no such file, interface or call
    denied,       // the operating system refused
    io,           // any other failure of reading or writing
};

struct Error {
    Errc code = Errc::malformed;
    std::size_t offset = 0;  // byte of the input where parsing stopped
    std::string what;        // one line; cites the clause where there is one
};

template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    bool has_value() const { return state_.index() == 0; }

    T& operator*() & {
        assert(*this);
        return *std::get_if<0>(&state_);
    }
    const T& operator*() const& {
        assert(*this);
        return *std::get_if<0>(&state_);
    }
    T&& operator*() && {
        assert(*this);
        return std::move(*std::get_if<0>(&state_));
    }
    T* operator->() { return &**this; }
    const T* operator->() const { return &**this; }

    const Error& error() const {
        assert(!*this);
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Error> state_;
};

// What a function returns that either works or fails.
struct Done {};
using Status = Result<Done>;

}  // namespace sipana
