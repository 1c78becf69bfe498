#include "libsipana/pcap/mapping.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

namespace sipana::pcap {

namespace {

// What the SIGBUS handler may look at: only lock-free atomics are safe there. begin 0: a free slot;
// begin 1: a slot being filled or emptied.
struct Slot {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::size_t> size{0};
    std::atomic<bool> lost{false};
};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free);

std::array<Slot, Mapping::max_mappings> slots;
struct sigaction previous;
std::size_t page_size = 4096;

// Puts a page of zeros where a page of the file is missing.
bool mend(std::uintptr_t address) {
    for (Slot& slot : slots) {
        const std::uintptr_t begin = slot.begin.load(std::memory_order_acquire);
        if (begin <= 1 || address < begin || address - begin >= slot.size.load()) continue;
        slot.lost.store(true);
        void* page = reinterpret_cast<void*>(address / page_size * page_size);
        return mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
               page;
    }
    return false;
}

void on_bus_error(int signal, siginfo_t* what, void* context) {
    const int saved = errno;
    if (mend(reinterpret_cast<std::uintptr_t>(what->si_addr))) {
        errno = saved;
        return;
    }
    if ((previous.sa_flags & SA_SIGINFO) && previous.sa_sigaction)
        return previous.sa_sigaction(signal, what, context);
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        return previous.sa_handler(signal);
    // The faulting instruction runs again and ends the process as it would have without us.
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &plain, nullptr);
}

void guard_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        struct sigaction ours {};
        ours.sa_sigaction = on_bus_error;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&ours.sa_mask);
        sigaction(SIGBUS, &ours, &previous);
    });
}

}  // namespace

Result<Mapping> Mapping::of(int descriptor) {
    struct stat file {};
    if (fstat(descriptor, &file) != 0)
        return Error{Errc::io, 0, std::generic_category().message(errno)};
    if (!S_ISREG(file.st_mode) || file.st_size == 0)
        return Error{Errc::unsupported, 0, "not a regular file with content"};
    guard_once();
    Mapping mapping;
    std::size_t slot = 0;
    for (; slot < slots.size(); ++slot) {
        std::uintptr_t free = 0;
        if (slots[slot].begin.load(std::memory_order_relaxed) == 0 &&
            slots[slot].begin.compare_exchange_strong(free, 1))
            break;
    }
    if (slot == slots.size()) return Error{Errc::unsupported, 0, "too many files are mapped"};
    const auto size = static_cast<std::size_t>(file.st_size);
    void* begin = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (begin == MAP_FAILED) {
        slots[slot].begin.store(0);
        return Error{Errc::unsupported, 0, std::generic_category().message(errno)};
    }
    madvise(begin, size, MADV_SEQUENTIAL);
    slots[slot].size.store(size);
    slots[slot].lost.store(false);
    slots[slot].begin.store(reinterpret_cast<std::uintptr_t>(begin), std::memory_order_release);
    mapping.begin_ = static_cast<const std::uint8_t*>(begin);
    mapping.size_ = size;
    mapping.slot_ = slot;
    return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      slot_(other.slot_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(slot_, other.slot_);
    return *this;
}

Mapping::~Mapping() {
    if (!begin_) return;
    slots[slot_].begin.store(1);
    munmap(const_cast<std::uint8_t*>(begin_), size_);
    slots[slot_].begin.store(0, std::memory_order_release);
}

void Mapping::let_go(std::size_t from, std::size_t to) const {
    from = (from + page_size - 1) / page_size * page_size;
    to = to / page_size * page_size;
    if (from < to) madvise(const_cast<std::uint8_t*>(begin_) + from, to - from, MADV_DONTNEED);
}

void Mapping::want(std::size_t from, std::size_t to) const {
    from = from / page_size * page_size;
    if (from < to) madvise(const_cast<std::uint8_t*>(begin_) + from, to - from, MADV_WILLNEED);
}

bool Mapping::lost() const { return begin_ && slots[slot_].lost.load(std::memory_order_relaxed); }

}  // namespace sipana::pcap
