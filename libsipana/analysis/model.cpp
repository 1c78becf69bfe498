#include "libsipana/analysis/model.h"

namespace sipana::analysis {

std::string_view to_string(CallKind kind) {
    switch (kind) {
        case CallKind::invite: return "invite";
        case CallKind::register_: return "register";
        case CallKind::subscribe: return "subscribe";
        case CallKind::message: return "message";
        case CallKind::options: return "options";
        case CallKind::other: return "other";
    }
    return "other";
}

std::string_view to_string(CallState state) {
    switch (state) {
        case CallState::trying: return "trying";
        case CallState::ringing: return "ringing";
        case CallState::answered: return "answered";
        case CallState::completed: return "completed";
        case CallState::cancelled: return "cancelled";
        case CallState::busy: return "busy";
        case CallState::declined: return "declined";
        case CallState::redirected: return "redirected";
        case CallState::challenged: return "challenged";
        case CallState::failed: return "failed";
        case CallState::unanswered: return "unanswered";
        case CallState::registered: return "registered";
        case CallState::unregistered: return "unregistered";
        case CallState::active: return "active";
        case CallState::terminated: return "terminated";
        case CallState::done: return "done";
    }
    return "failed";
}

std::string_view to_string(MediaKind kind) {
    switch (kind) {
        case MediaKind::audio: return "audio";
        case MediaKind::video: return "video";
        case MediaKind::other: return "other";
    }
    return "other";
}

}  // namespace sipana::analysis
