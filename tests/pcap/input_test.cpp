#include "libsipana/pcap/input.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

std::vector<std::string> texts(const std::vector<Copy>& frames) {
    std::vector<std::string> out;
    for (const Copy& c : frames) out.push_back(c.bytes);
    return out;
}

std::vector<std::string> says(const Input& input) {
    std::vector<std::string> out;
    for (const Finding& f : input.findings()) out.push_back(f.text);
    return out;
}

Buffer gif() {
    const Bytes bytes = as_bytes("GIF89a and so on");
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("one file keeps its own order and numbers its frames from one") {
    const Folder folder;
    Input input = open({folder.write("x.pcap", classic_capture({3 * second, second, 2 * second}))});
    const auto frames = read_all(input);
    CHECK(texts(frames) == std::vector<std::string>{"frame 0", "frame 1", "frame 2"});
    CHECK(frames[0].frame.number == 1);
    CHECK(frames[2].frame.number == 3);
    CHECK(frames[2].frame.stable);
    REQUIRE(input.files().size() == 1);
    CHECK(input.files()[0].path == folder.path("x.pcap"));
    CHECK(input.files()[0].name == "x.pcap");
    CHECK(input.files()[0].frames == 3);
    CHECK(input.files()[0].bytes == 21);
    CHECK(input.findings().empty());
    Frame frame;
    CHECK_FALSE(input.next(frame));  // stays at the end
}

TEST_CASE("stable bytes live as long as the Input, moved or not") {
    const Folder folder;
    Input first = open({folder.write("x.pcap", classic_capture({second, second}))});
    Frame a, b;
    REQUIRE(first.next(a));
    Input second_one = std::move(first);
    REQUIRE(second_one.next(b));
    CHECK(as_text(a.bytes) == "frame 0");
    CHECK(as_text(b.bytes) == "frame 1");
    CHECK_FALSE(second_one.next(b));
    CHECK(as_text(a.bytes) == "frame 0");
}

TEST_CASE("several files are one input in time order; equal times keep the order of the files") {
    const Folder folder;
    const auto a =
        folder.write("a", classic_capture({1 * second, 4 * second, 5 * second}, {}, "a"));
    const auto b = folder.write("b", classic_capture({2 * second, 4 * second}, {}, "b"));
    ClassicShape other;
    other.big_endian = true;
    other.link = LinkType::raw;
    const auto c =
        folder.write("c", classic_capture({3 * second, 4 * second, 9 * second}, other, "c"));
    Input input = open({a, b, c});
    const auto frames = read_all(input);
    CHECK(texts(frames) ==
          std::vector<std::string>{"a 0", "b 0", "c 0", "a 1", "b 1", "c 1", "a 2", "c 2"});
    for (std::size_t i = 0; i < frames.size(); ++i) CHECK(frames[i].frame.number == i + 1);
    CHECK(frames[2].frame.file == 2);
    CHECK(frames[2].frame.link == LinkType::raw);
    CHECK(input.files()[2].frames == 3);
    // The other way round, equal times change places.
    Input reversed = open({c, b, a});
    const auto back = texts(read_all(reversed));
    CHECK(back[3] == "c 1");
    CHECK(back[5] == "a 1");
}

TEST_CASE("files merge with streams, and with frames that have no time") {
    const Folder folder;
    Buffer untimed;
    auto writer = PcapngWriter::into(untimed);
    REQUIRE(writer.section("test"));
    REQUIRE(writer.interface(Interface{}));
    Frame f = frame_of("first of ng", 2 * second);
    REQUIRE(writer.packet(f));
    f = frame_of("untimed");
    f.has_time = false;
    REQUIRE(writer.packet(f));
    REQUIRE(writer.packet(frame_of("last of ng", 4 * second)));
    const auto a = folder.write("a", classic_capture({1 * second, 3 * second, 5 * second}));
    const auto b = folder.write("b", untimed);
    Input input = open({a, b});
    CHECK(texts(read_all(input)) == std::vector<std::string>{"frame 0", "first of ng", "untimed",
                                                             "frame 1", "last of ng", "frame 2"});
}

TEST_CASE("more files than are kept open at once are merged all the same") {
    const Folder folder;
    constexpr int files = 100;
    // Named against their order in time, each overlapping with its neighbours.
    for (int i = 0; i < files; ++i)
        folder.write("f" + std::to_string(1000 - i),
                     classic_capture({i * 10 * second, (i * 10 + 15) * second}, {},
                                     "file " + std::to_string(i)));
    Input input = open({folder.path()});
    const auto frames = read_all(input);
    REQUIRE(frames.size() == 2 * files);
    CHECK(std::is_sorted(frames.begin(), frames.end(),
                         [](const Copy& x, const Copy& y) { return x.frame.time < y.frame.time; }));
    CHECK(frames[0].bytes == "file 0 0");
    CHECK(input.files().size() == files);
    for (const FileSummary& f : input.files()) {
        CHECK(f.frames == 2);
        CHECK(f.interfaces.size() == 1);
    }
    CHECK(input.findings().empty());
}

TEST_CASE("trap 21: a file named twice is read once, also under another name") {
    const Folder folder;
    const auto x = folder.write("x.pcap", classic_capture({second, 2 * second}));
    std::filesystem::create_symlink(x, folder.path("y.pcap"));
    Input input = open({x, folder.path("./x.pcap"), folder.path("y.pcap")});
    CHECK(read_all(input).size() == 2);
    REQUIRE(input.findings().size() == 2);
    CHECK(input.findings()[0].severity == Severity::note);
    CHECK(says(input)[1] == folder.path("y.pcap") + ": named twice, read once");
    CHECK_FALSE(input.damaged());
    CHECK_FALSE(input.failed());
}

TEST_CASE("a folder gives its captures by content and by name; the rest is skipped with a note") {
    const Folder folder;
    folder.write("b.bin", classic_capture({2 * second}, {}, "b"));
    folder.write("a.bin", classic_capture({2 * second}, {}, "a"));
    folder.write("notes.txt", gif());
    folder.write("empty.pcap", {});
    std::filesystem::create_directory(folder.path("below"));
    folder.write("below/c", classic_capture({second}, {}, "c"));
    REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
    for (const std::string& name : {folder.path(), folder.path() + '/'}) {
        Input input = open({name});
        CHECK(texts(read_all(input)) == std::vector<std::string>{"a 0", "b 0"});
        CHECK(says(input) ==
              std::vector<std::string>{name + ": not captures, skipped: empty.pcap, notes.txt"});
        CHECK_FALSE(input.damaged());
        CHECK_FALSE(input.failed());
    }
}

TEST_CASE("a file that is named beside its folder is read once, and the folder is no error") {
    const Folder folder;
    const auto x = folder.write("x.pcap", classic_capture({second}));
    Input input = open({x, folder.path()});
    CHECK(read_all(input).size() == 1);
    CHECK(says(input) == std::vector<std::string>{x + ": named twice, read once"});
    CHECK_FALSE(input.failed());
}

TEST_CASE("folders that a pattern means are told apart") {
    const Folder folder;
    for (const char* name : {"d1", "d2"}) std::filesystem::create_directory(folder.path(name));
    folder.write("d1/x.pcap", classic_capture({second}));
    folder.write("d2/notes.txt", gif());
    Input input = open({folder.path("d*")});
    CHECK(read_all(input).size() == 1);
    CHECK(input.failed());
    CHECK(says(input) ==
          std::vector<std::string>{folder.path("d2") + ": no captures in this folder"});
}

TEST_CASE("patterns that no shell expanded are expanded, sorted by name") {
    const Folder folder;
    folder.write("x2.pcap", classic_capture({second}, {}, "two"));
    folder.write("x1.pcap", classic_capture({second}, {}, "one"));
    folder.write("y.pcap", classic_capture({second}, {}, "no"));
    Input input = open({folder.path("x*.pcap")});
    CHECK(texts(read_all(input)) == std::vector<std::string>{"one 0", "two 0"});
    // A file of that very name comes first.
    folder.write("[x].pcap", classic_capture({second}, {}, "literal"));
    Input literal = open({folder.path("[x].pcap")});
    CHECK(texts(read_all(literal)) == std::vector<std::string>{"literal 0"});
}

TEST_CASE("what cannot be opened is one line that names it, and says which kind of failure it is") {
    const Folder folder;
    const struct {
        std::string argument;
        Errc code;
        std::string what;
    } cases[] = {
        {folder.path("missing.pcap"), Errc::not_found, "No such file or directory"},
        {folder.path("no*.pcap"), Errc::not_found, "No such file or directory"},
        {folder.write("file", gif()) + "/below", Errc::not_found, "Not a directory"},
        {folder.write("empty.pcap", {}), Errc::unsupported, "empty file"},
        {"/dev/null", Errc::unsupported, "empty file"},
        {folder.write("x.gif", gif()), Errc::unsupported,
         "not a capture file (starts with 'GIF8')"},
        {folder.write("x.elf", Buffer{0x7f, 'E', 'L', 'F', 2}), Errc::unsupported,
         "not a capture file (starts with 0x7f454c46)"},
        {folder.write("short", Buffer{0xd4, 0xc3}), Errc::unsupported,
         "not a capture file (starts with 0xd4c3)"},
        {folder.write("cut.pcap", Buffer{0xd4, 0xc3, 0xb2, 0xa1, 2, 0}), Errc::truncated,
         "cut short in the file header: 6 of 24 bytes are there"},
        {folder.write("cut.pcapng", Buffer{0x0a, 0x0d, 0x0d, 0x0a, 28}), Errc::truncated,
         "cut short in the section header: 5 of 28 bytes of a block are there"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.argument);
        const Error error = refusal({c.argument});
        CHECK(error.code == c.code);
        CHECK(error.what == c.argument + ": " + c.what);
    }
    CHECK(refusal({}).code == Errc::not_found);
    // All of them, where nothing can be opened.
    const Error both = refusal({folder.path("a"), folder.path("b")});
    CHECK(both.what == folder.path("a") + ": No such file or directory; " + folder.path("b") +
                           ": No such file or directory");
}

TEST_CASE("a folder without captures is an error, empty or not") {
    const Folder folder;
    CHECK(refusal({folder.path()}).what == folder.path() + ": no captures in this folder");
    std::filesystem::create_directory(folder.path("below"));
    folder.write("below/x.pcap", classic_capture({second}));
    CHECK(refusal({folder.path()}).what ==
          folder.path() + ": no captures in this folder; those below it are not looked into");
    folder.write("notes.txt", gif());
    const Error error = refusal({folder.path()});
    CHECK(error.code == Errc::not_found);
    CHECK(error.what == folder.path() + ": no captures in this folder");
}

TEST_CASE("what the system refuses to open is told as such") {
    const Folder folder;
    const std::string loop = folder.path("loop");
    std::filesystem::create_symlink(loop, loop);
    CHECK(refusal({loop}).code == Errc::io);
    if (geteuid() == 0) {
        MESSAGE("skipped for the superuser: unreadable files and folders");
        return;
    }
    const auto file = folder.write("x.pcap", classic_capture({second}));
    ::chmod(file.c_str(), 0);
    CHECK(refusal({file}).code == Errc::denied);
    CHECK(refusal({file}).what == file + ": Permission denied");
    std::filesystem::create_directory(folder.path("closed"));
    ::chmod(folder.path("closed").c_str(), 0);
    CHECK(refusal({folder.path("closed")}).code == Errc::denied);
    // It may be listed, and no file of it looked at.
    std::filesystem::create_directory(folder.path("listed"));
    folder.write("listed/x.pcap", classic_capture({second}));
    ::chmod(folder.path("listed").c_str(), 0400);
    CHECK(refusal({folder.path("listed")}).what == folder.path("listed") + ": Permission denied");
    ::chmod(folder.path("listed").c_str(), 0700);
}

TEST_CASE("bad arguments become findings, and everything else is read") {
    const Folder folder;
    const auto good = folder.write("good.pcap", classic_capture({second}));
    const auto bad = folder.write("bad.pcap", gif());
    SUBCASE("no capture: exit status 3") {
        Input input = open({bad, good});
        CHECK(read_all(input).size() == 1);
        CHECK(input.damaged());
        CHECK_FALSE(input.failed());
        REQUIRE(input.findings().size() == 1);
        CHECK(input.findings()[0].rule == "capture-unrecognised");
        CHECK(input.findings()[0].severity == Severity::error);
        CHECK(input.files().size() == 1);
    }
    SUBCASE("no such file: exit status 5") {
        Input input = open({folder.path("missing"), good});
        CHECK(read_all(input).size() == 1);
        CHECK(input.failed());
        CHECK_FALSE(input.damaged());
        CHECK(says(input) ==
              std::vector<std::string>{folder.path("missing") + ": No such file or directory"});
    }
}

TEST_CASE("trap 73: damage in one of several files is told by file, frame and byte") {
    const Folder folder;
    Buffer cut = classic_capture({second, 3 * second});
    cut.resize(cut.size() - 3);
    const auto a = folder.write("a.pcap", cut);
    const auto b = folder.write("b.pcap", classic_capture({2 * second, 4 * second}));
    Input input = open({a, b});
    CHECK(read_all(input).size() == 3);
    CHECK(input.damaged());
    CHECK(input.files()[0].damaged);
    CHECK_FALSE(input.files()[1].damaged);
    REQUIRE(input.findings().size() == 1);
    CHECK(input.findings()[0].text ==
          "a.pcap: cut short in frame 2, byte 47: 4 of 7 bytes are there");
    CHECK(input.findings()[0].frame == 0);  // frame numbers of the run are other ones
    Input alone = open({a});
    CHECK(read_all(alone).size() == 1);
    REQUIRE(alone.findings().size() == 1);
    CHECK(alone.findings()[0].frame == 2);
    CHECK(alone.findings()[0].byte == 47);
}
