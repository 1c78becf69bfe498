#include "libsipana/lab/result.h"

namespace sipana::lab {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::done:
            return "done";
        case Outcome::failed:
            return "failed";
        case Outcome::skipped:
            return "skipped";
        case Outcome::not_reached:
            return "not reached";
    }
    return "";
}

}  // namespace sipana::lab
