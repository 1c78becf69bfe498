// ProgramHost: the I/O of a phone that a program plays: its process, its log and its control
// connection. The phone itself is lab/program_phone.
//
// Belongs to a stage, which turns it; never blocks but in its destructor, which ends the program.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/namespaces.h"
#include "libsipana/lab/part.h"
#include "libsipana/lab/program_phone.h"
#include "libsipana/lab/program_process.h"
#include "libsipana/lab/sockets_control.h"

namespace sipana::lab {

class ProgramHost {
public:
    static constexpr Duration longest_start = std::chrono::seconds{10};
    static constexpr Duration look_up = std::chrono::milliseconds{10};  // between two turns

    struct Setting {
        const PhoneLine* line = nullptr;
        const Part* part = nullptr;
        const Directory* directory = nullptr;
        const Namespaces* namespaces = nullptr;  // nullptr: everybody is on this host
        Endpoint at;                             // its port may be 0: any
        std::string script_folder;               // that file names are relative to
        std::string program;                     // its file; empty: that of $PATH
    };
    // Errors name no line. The directory need not know the phone yet.
    static Result<std::unique_ptr<ProgramHost>> create(Setting setting);
    ~ProgramHost();

    Status start(Time now);  // the directory knows the phone now
    ProgramPhone& phone() { return *phone_; }
    const Endpoint& endpoint() const { return setting_.at; }
    // Reads and writes what there is. True: something was said.
    bool turn(Time now);

private:
    explicit ProgramHost(Setting setting) : setting_(std::move(setting)) {}
    Status choose_ports();
    Result<std::vector<ProgramPhone::Sound>> sounds();
    Result<std::string> picture();
    Result<std::string> sound(const std::string& file, Duration& length);
    std::string path_of(const std::string& file) const;
    Result<Namespaces::Entered> enter() const;
    void connect();

    Setting setting_;
    std::string program_, modules_;
    std::uint16_t control_port_ = 0, rtp_port_ = 0;
    ProgramProcess process_;
    std::optional<ControlSocket> control_;
    bool greeted_ = false;
    int files_ = 0;  // of ours in its folder
    std::string heard_, to_say_;
    std::unique_ptr<ProgramPhone> phone_;
    Time started_ = no_time;
};

}  // namespace sipana::lab
