/* A pretended libnvidia-ml.so.1: the functions that gavelq asks for, answered from a text file (state.h).
 *
 * Written from the public description of NVML's interface. -DOLD_DRIVER leaves out the functions that drivers before
 * 510 do not have; -DDRIVER="..." is the version that the library belongs to.
 */
#include "calls.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef DRIVER
#define DRIVER "550.54"
#endif

struct memory { u64 total, free, used; };
struct memory_v2 { unsigned version; u64 total, reserved, free, used; };
struct process_info { unsigned pid; u64 used; unsigned gi, ci; };
struct utilization { unsigned gpu, memory; };

static const u64 MIB = 1024 * 1024;
static int n_users;          /* nvmlInit counts, nvmlShutdown counts back */
static unsigned generation;  /* handles of an earlier life are not valid any more */

static void note(const char *function) {
    const char *path = getenv("FAKE_NVML_LOG");
    if (path == NULL) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    dprintf(file, "%s\n", function);
    close(file);
}

int enter(const char *function, const struct machine **machine) {
    note(function);
    *machine = machine_now();
    if (*machine && (*machine)->hang_s > 0 && (!(*machine)->hang_in[0] || strcmp((*machine)->hang_in, function) == 0)) {
        double s = (*machine)->hang_s;
        struct timespec pause = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
        nanosleep(&pause, NULL);
    }
    if (*machine == NULL) return DRIVER_NOT_LOADED;
    return n_users > 0 ? (*machine)->calls_error : UNINITIALIZED;
}

handle_t handle_of(unsigned card, unsigned mig) {
    return (handle_t)(uintptr_t)((u64)generation << 32 | 0x10000 | card << 8 | mig);
}

int look(const char *function, handle_t handle, const struct card **card, const struct mig **mig) {
    const struct machine *machine;
    u64 bits = (u64)(uintptr_t)handle;
    unsigned index = bits >> 8 & 0xff, part = bits & 0xff;
    int error = enter(function, &machine);
    if (error) return error;
    if (bits >> 32 != generation || index >= machine->n_cards) return INVALID_ARGUMENT;
    *card = &machine->cards[index];
    *mig = NULL;
    if ((*card)->state) return (*card)->state;
    if (part == 0) return SUCCESS;
    *mig = &(*card)->migs[part - 1];
    return (*mig)->present ? SUCCESS : INVALID_ARGUMENT;
}

static int value_of(const char *function, handle_t handle, enum field field, u64 *value) {
    const struct card *card;
    const struct mig *mig;
    int error = look(function, handle, &card, &mig);
    if (error) return error;
    if (card->fields[field].error) return card->fields[field].error;
    if (mig || !card->fields[field].is_set) return NOT_SUPPORTED;
    *value = card->fields[field].value;
    return SUCCESS;
}

static int number(const char *function, handle_t handle, enum field field, unsigned *out) {
    u64 value = 0;
    int error = value_of(function, handle, field, &value);
    if (!error) *out = (unsigned)value;
    return error;
}

static int text(const char *from, char *to, unsigned size) {
    if (strlen(from) >= size) return INSUFFICIENT_SIZE;
    strcpy(to, from);
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    const struct machine *machine;
    int error = enter("nvmlInitWithFlags", &machine);
    (void)flags;
    if (machine == NULL) return DRIVER_NOT_LOADED;
    if (machine->init_error) return machine->init_error;
    if (machine->driver[0] && strcmp(machine->driver, DRIVER) != 0) return MISMATCH;
    if (error == machine->calls_error && error) return error;
    if (n_users++ == 0) generation++;
    return SUCCESS;
}

int nvmlShutdown(void) {
    note("nvmlShutdown");
    if (n_users == 0) return UNINITIALIZED;
    n_users--;
    return SUCCESS;
}

const char *nvmlErrorString(int code) {
    static char words[48];
    snprintf(words, sizeof words, "pretended error %d", code);
    return words;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    const struct machine *machine;
    int error = enter("nvmlDeviceGetCount_v2", &machine);
    if (!error) *count = (unsigned)machine->n_cards;
    return error;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, handle_t *handle) {
    const struct machine *machine;
    int error = enter("nvmlDeviceGetHandleByIndex_v2", &machine);
    if (error) return error;
    if (index >= (unsigned)machine->n_cards) return INVALID_ARGUMENT;
    if (machine->cards[index].handle_error) return machine->cards[index].handle_error;
    *handle = handle_of(index, 0);
    return SUCCESS;
}

int nvmlDeviceGetMinorNumber(handle_t handle, unsigned *out) {
    return number("nvmlDeviceGetMinorNumber", handle, MINOR, out);
}

int nvmlDeviceGetUUID(handle_t handle, char *out, unsigned size) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetUUID", handle, &card, &mig);
    return error ? error : text(mig ? mig->uuid : card->uuid, out, size);
}

int nvmlDeviceGetName(handle_t handle, char *out, unsigned size) {
    const struct card *card;
    const struct mig *mig;
    char words[160];
    int error = look("nvmlDeviceGetName", handle, &card, &mig);
    if (error) return error;
    snprintf(words, sizeof words, mig ? "%s MIG %lluMiB" : "%s", card->name, mig ? mig->total : 0);
    return text(words, out, size);
}

static int memory(const char *function, handle_t handle, struct memory_v2 *out) {
    const struct card *card;
    const struct mig *mig;
    int error = look(function, handle, &card, &mig);
    if (error) return error;
    if (card->fields[MEMORY].error) return card->fields[MEMORY].error;
    if (!mig && !card->fields[MEMORY_TOTAL].is_set) return NOT_SUPPORTED;
    out->total = (mig ? mig->total : card->fields[MEMORY_TOTAL].value) * MIB;
    out->used = (mig ? mig->used : card->fields[MEMORY_USED].value) * MIB;
    out->reserved = (mig ? 0 : card->fields[MEMORY_RESERVED].value) * MIB;
    out->free = out->total - out->used - out->reserved;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(handle_t handle, struct memory *out) {
    struct memory_v2 found;
    int error = memory("nvmlDeviceGetMemoryInfo", handle, &found);
    /* The first version counts what the driver reserves as used. */
    if (!error) *out = (struct memory){found.total, found.free, found.used + found.reserved};
    return error;
}

int nvmlDeviceGetUtilizationRates(handle_t handle, struct utilization *out) {
    const struct machine *machine = machine_now();
    int error = number("nvmlDeviceGetUtilizationRates", handle, UTIL, &out->gpu);
    if (!error) out->memory = (unsigned)machine->cards[(u64)(uintptr_t)handle >> 8 & 0xff].fields[MEMORY_UTIL].value;
    return error;
}

int nvmlDeviceGetTemperature(handle_t handle, unsigned sensor, unsigned *out) {
    return sensor ? INVALID_ARGUMENT : number("nvmlDeviceGetTemperature", handle, TEMP, out);
}

int nvmlDeviceGetPowerUsage(handle_t handle, unsigned *out) {
    return number("nvmlDeviceGetPowerUsage", handle, POWER_MW, out);
}

int nvmlDeviceGetEnforcedPowerLimit(handle_t handle, unsigned *out) {
    return number("nvmlDeviceGetEnforcedPowerLimit", handle, LIMIT_MW, out);
}

int nvmlDeviceGetClockInfo(handle_t handle, unsigned kind, unsigned *out) {
    return kind > 3 ? INVALID_ARGUMENT : number("nvmlDeviceGetClockInfo", handle, CLOCK, out);
}

int nvmlDeviceGetFanSpeed(handle_t handle, unsigned *out) {
    return number("nvmlDeviceGetFanSpeed", handle, FAN, out);
}

int nvmlDeviceGetTotalEccErrors(handle_t handle, unsigned kind, unsigned counter, u64 *out) {
    /* Only uncorrected errors since the driver was loaded are pretended; all other counters stand at 0. */
    int error = value_of("nvmlDeviceGetTotalEccErrors", handle, ECC, out);
    if (!error && (kind != 1 || counter != 0)) *out = 0;
    return error;
}

int nvmlDeviceGetMigMode(handle_t handle, unsigned *current, unsigned *pending) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetMigMode", handle, &card, &mig);
    if (error) return error;
    if (mig || card->mig_mode < 0) return NOT_SUPPORTED;
    *current = *pending = (unsigned)card->mig_mode;
    return SUCCESS;
}

int nvmlDeviceGetMaxMigDeviceCount(handle_t handle, unsigned *count) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetMaxMigDeviceCount", handle, &card, &mig);
    if (!error) *count = card->mig_mode > 0 ? MAX_MIG : 0;
    return error;
}

int nvmlDeviceGetMigDeviceHandleByIndex(handle_t handle, unsigned index, handle_t *out) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetMigDeviceHandleByIndex", handle, &card, &mig);
    if (error) return error;
    if (mig || index >= MAX_MIG) return INVALID_ARGUMENT;
    if (card->mig_mode <= 0 || !card->migs[index].present) return NOT_FOUND;
    *out = handle_of((unsigned)((u64)(uintptr_t)handle >> 8 & 0xff), index + 1);
    return SUCCESS;
}

static int instance(const char *function, handle_t handle, unsigned *out, int is_compute) {
    const struct card *card;
    const struct mig *mig;
    int error = look(function, handle, &card, &mig);
    if (error) return error;
    if (!mig) return INVALID_ARGUMENT;
    *out = is_compute ? mig->ci : mig->gi;
    return SUCCESS;
}

int nvmlDeviceGetGpuInstanceId(handle_t handle, unsigned *out) {
    return instance("nvmlDeviceGetGpuInstanceId", handle, out, 0);
}

int nvmlDeviceGetComputeInstanceId(handle_t handle, unsigned *out) {
    return instance("nvmlDeviceGetComputeInstanceId", handle, out, 1);
}

static int processes(const char *function, char kind, handle_t handle, unsigned *count, struct process_info *out) {
    const struct card *card;
    const struct mig *mig;
    unsigned n = 0;
    int error = look(function, handle, &card, &mig);
    if (error) return error;
    if (card->fields[PROCESSES].error && (mig || card->mig_mode < 1)) return card->fields[PROCESSES].error;
    for (int i = 0; i < card->n_processes; i++) {
        const struct process *process = &card->processes[i];
        if (process->kind != kind || (mig && process->gi != mig->gi)) continue;
        if (out && n < *count)
            out[n] = (struct process_info){process->pid, process->mib < 0 ? ~0ULL : (u64)process->mib * MIB, process->gi, process->ci};
        n++;
    }
    error = n > *count ? INSUFFICIENT_SIZE : SUCCESS;
    *count = n;
    return error;
}

#define PROCESSES_FUNCTION(name, kind) \
    int name(handle_t handle, unsigned *count, struct process_info *out) { return processes(#name, kind, handle, count, out); }

PROCESSES_FUNCTION(nvmlDeviceGetComputeRunningProcesses_v2, 'c')
PROCESSES_FUNCTION(nvmlDeviceGetGraphicsRunningProcesses_v2, 'g')

#ifndef OLD_DRIVER
PROCESSES_FUNCTION(nvmlDeviceGetComputeRunningProcesses_v3, 'c')
PROCESSES_FUNCTION(nvmlDeviceGetGraphicsRunningProcesses_v3, 'g')
PROCESSES_FUNCTION(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'm')

int nvmlDeviceGetMemoryInfo_v2(handle_t handle, struct memory_v2 *out) {
    unsigned version = out->version;
    if (version != (sizeof *out | 2u << 24)) return 25; /* argument version mismatch */
    return memory("nvmlDeviceGetMemoryInfo_v2", handle, out);
}
#endif
