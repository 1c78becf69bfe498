#include "libsipana/lab/media_store.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace sipana;
using namespace std::chrono_literals;
using lab::MediaStore;
using media::Law;

namespace {

// A file that is gone when the test is.
struct Temporary {
    explicit Temporary(std::string_view content)
        : path(std::filesystem::temp_directory_path() /
               ("sipana_media_store_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
        std::ofstream(path, std::ios::binary) << content;
    }
    ~Temporary() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

}  // namespace

TEST_CASE("sounds are made once and shared, however many calls send them") {
    MediaStore store;
    const auto tone = store.tone(Law::mu, 440, -10);
    CHECK(store.tone(Law::mu, 440, -10) == tone);
    CHECK(store.tone(Law::a, 440, -10) != tone);
    CHECK(store.tone(Law::mu, 440, -11) != tone);
    CHECK(store.silence(Law::a)->cut(5, 1)[0] == 0xd5);
    const auto digits = store.digits(Law::mu, "12", 100ms, 100ms);
    CHECK(digits->samples() == 3200);
    CHECK(!digits->endless());
    for (std::size_t i = 0; i < 3 * lab::max_kept_sounds; ++i)
        CHECK(store.digits(Law::mu, std::to_string(i), 40ms, 40ms)->samples() % 640 == 0);
    CHECK(tone->samples() == 200);  // still held
    CHECK(store.tone(Law::mu, 440, -10)->cut(0, 200)[7] == tone->cut(0, 200)[7]);
}

TEST_CASE("files that are not there, no files, or no media say so with their name") {
    MediaStore store;
    const auto missing = store.clip("no/such.h264");
    REQUIRE(!missing);
    CHECK(missing.error().what == "no/such.h264: cannot be opened");
    CHECK(missing.error().code == Errc::not_found);
    CHECK(!store.sound(Law::mu, std::filesystem::temp_directory_path().string()));
    const Temporary text("this is no sound");
    const auto other = store.sound(Law::mu, text.path.string());
    REQUIRE(!other);
    CHECK(other.error().what == text.path.string() + ": WAV: does not begin with RIFF and WAVE");
    CHECK(!store.clip(text.path.string()));
}

TEST_CASE("a file is read once") {
    MediaStore store;
    std::string wav("RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0", 36);
    wav += std::string("data\4\0\0\0\1\2\3\4", 12);
    std::shared_ptr<const media::CodedSound> first;
    std::string path;
    {
        const Temporary file(wav);
        path = file.path.string();
        const auto sound = store.sound(Law::mu, path);
        REQUIRE(sound);
        first = *sound;
        CHECK(first->samples() == 2);
        CHECK(first->endless());
    }
    const auto again = store.sound(Law::mu, path);
    REQUIRE(again);
    CHECK(*again == first);
}
