/* What the pretended machine looks like, read from the text file that FAKE_NVML_STATE names.
 *
 *   driver VERSION            the version of the "kernel side"; a library built with another one answers 18 to init
 *   init CODE                 nvmlInit answers this error
 *   calls CODE                every other call answers this error (0: none)
 *   hang SECONDS [FUNCTION]   every call (or calls of this one function) takes this long
 *   card UUID                 begins a card; the lines below are about the last card
 *   name TEXT
 *   handle CODE               asking for its handle answers this error
 *   state CODE                every call about it answers this error (15: lost, 16: reset required)
 *   set FIELD NUMBER          a value; a field that is not set is not supported
 *   fail FIELD CODE           asking for the field answers this error
 *   process KIND PID MIB GI CI   KIND: compute, graphics or mps; MIB -1: the driver cannot tell; GI, CI -1: no MIG
 *   bus ADDRESS               its PCI address, as 00000000:01:00.0; absent: asking for it is not supported
 *   events MASK               the kinds of events that it can tell of (nvmlEventType*); absent: not supported
 *   event SERIAL KIND NUMBER GI CI   an event, told once to whoever listened before; serials only grow
 *   nvlink NUMBER ACTIVE ADDRESS   one of its NVLinks, and the PCI address at the other end
 *   mig_mode 0|1              absent: the card knows no MIG
 *   mig INDEX GI CI TOTAL_MIB USED_MIB UUID
 *   pair I J LEVEL P2P        two cards by index: their topology level and NVLink P2P status; -1: not supported
 */
#ifndef FAKE_STATE_H
#define FAKE_STATE_H

enum field { MEMORY, MEMORY_TOTAL, MEMORY_USED, MEMORY_RESERVED, UTIL, MEMORY_UTIL, TEMP, POWER_MW, LIMIT_MW, CLOCK, FAN, ECC, MINOR,
             PROCESSES, N_FIELDS };

enum { MAX_CARDS = 32, MAX_PROCESSES = 256, MAX_MIG = 8, MAX_EVENTS = 256, MAX_LINKS = 18 };

struct process { char kind; unsigned pid; long long mib; unsigned gi, ci; };
struct mig { int present; unsigned gi, ci; unsigned long long total, used; char uuid[96]; };
struct event { unsigned serial; unsigned long long kind, number; unsigned gi, ci; };
struct nvlink { int present, active; char bus[32]; };
struct card {
    char uuid[96], name[96], bus[32];
    int handle_error, state, mig_mode;
    struct { int is_set, error; unsigned long long value; } fields[N_FIELDS];
    int n_processes;
    struct process processes[MAX_PROCESSES];
    struct mig migs[MAX_MIG];
    int has_events, n_events;
    unsigned long long event_kinds;
    struct event events[MAX_EVENTS];
    struct nvlink nvlinks[MAX_LINKS];
};
struct machine {
    char driver[32];
    int init_error, calls_error, n_cards;
    double hang_s;
    char hang_in[64];
    struct card cards[MAX_CARDS];
    struct { int is_set, level, p2p; } pairs[MAX_CARDS][MAX_CARDS];
};

/* The machine as the file describes it now; NULL where there is no such file. Read again only when the file changed. */
const struct machine *machine_now(void);

#endif
