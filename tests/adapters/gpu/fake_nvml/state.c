/* Reads the description of the pretended machine. See state.h. */
#include "state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const FIELD_NAMES[N_FIELDS] = {
    "memory", "memory_total", "memory_used", "memory_reserved", "util", "memory_util", "temp",
    "power_mw", "limit_mw", "clock", "fan", "ecc", "minor", "processes"};

static int field_by_name(const char *name) {
    for (int i = 0; i < N_FIELDS; i++)
        if (strcmp(name, FIELD_NAMES[i]) == 0) return i;
    fprintf(stderr, "fake nvml: unknown field %s\n", name);
    abort();
}

static void add_process(struct card *card, const char *line) {
    char kind[16];
    struct process found;
    int gi, ci;
    if (card->n_processes == MAX_PROCESSES) return;
    if (sscanf(line, "process %15s %u %lld %d %d", kind, &found.pid, &found.mib, &gi, &ci) != 5) return;
    found.kind = kind[0];
    found.gi = (unsigned)gi; /* -1 becomes 0xffffffff, which is how NVML says "none" */
    found.ci = (unsigned)ci;
    card->processes[card->n_processes++] = found;
}

static int fault_line(struct card *card, const char *line) {
    struct event event;
    struct nvlink link = {.present = 1};
    int gi, ci;
    unsigned index;
    if (sscanf(line, "bus %31s", card->bus) == 1) return 1;
    if (sscanf(line, "events %llu", &card->event_kinds) == 1) return card->has_events = 1;
    if (sscanf(line, "event %u %llu %llu %d %d", &event.serial, &event.kind, &event.number, &gi, &ci) == 5) {
        event.gi = (unsigned)gi;
        event.ci = (unsigned)ci;
        if (card->n_events < MAX_EVENTS) card->events[card->n_events++] = event;
        return 1;
    }
    if (sscanf(line, "nvlink %u %d %31s", &index, &link.active, link.bus) == 3) {
        if (index < MAX_LINKS) card->nvlinks[index] = link;
        return 1;
    }
    return 0;
}

static void card_line(struct card *card, const char *line) {
    char word[64];
    unsigned long long value;
    unsigned index;
    struct mig mig = {.present = 1};
    if (sscanf(line, "name %95[^\n]", card->name) == 1) return;
    if (sscanf(line, "handle %d", &card->handle_error) == 1) return;
    if (sscanf(line, "state %d", &card->state) == 1) return;
    if (sscanf(line, "mig_mode %d", &card->mig_mode) == 1) return;
    if (sscanf(line, "set %63s %llu", word, &value) == 2) {
        int field = field_by_name(word);
        card->fields[field].is_set = 1;
        card->fields[field].value = value;
    } else if (sscanf(line, "fail %63s %llu", word, &value) == 2) {
        card->fields[field_by_name(word)].error = (int)value;
    } else if (sscanf(line, "mig %u %u %u %llu %llu %95s", &index, &mig.gi, &mig.ci, &mig.total, &mig.used, mig.uuid) == 6) {
        if (index < MAX_MIG) card->migs[index] = mig;
    } else if (!fault_line(card, line)) {
        add_process(card, line);
    }
}

static int pair_line(struct machine *machine, const char *line) {
    int i, j, level, p2p;
    if (sscanf(line, "pair %d %d %d %d", &i, &j, &level, &p2p) != 4) return 0;
    for (int turn = 0; turn < 2; turn++) {
        int a = turn ? j : i, b = turn ? i : j;
        if (a < 0 || b < 0 || a >= MAX_CARDS || b >= MAX_CARDS) return 1;
        machine->pairs[a][b].is_set = 1;
        machine->pairs[a][b].level = level;
        machine->pairs[a][b].p2p = p2p;
    }
    return 1;
}

static void read_file(FILE *file, struct machine *machine) {
    char line[512], uuid[96];
    memset(machine, 0, sizeof *machine);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "driver %31s", machine->driver) == 1) continue;
        if (sscanf(line, "init %d", &machine->init_error) == 1) continue;
        if (sscanf(line, "calls %d", &machine->calls_error) == 1) continue;
        if (sscanf(line, "hang %lf %63s", &machine->hang_s, machine->hang_in) >= 1) continue;
        if (pair_line(machine, line)) continue;
        if (sscanf(line, "card %95s", uuid) == 1) {
            if (machine->n_cards == MAX_CARDS) return;
            struct card *card = &machine->cards[machine->n_cards++];
            memcpy(card->uuid, uuid, sizeof uuid);
            card->mig_mode = -1;
        } else if (machine->n_cards > 0) {
            card_line(&machine->cards[machine->n_cards - 1], line);
        }
    }
}

const struct machine *machine_now(void) {
    static struct machine machine;
    static struct stat seen;
    static int is_known;
    struct stat now;
    const char *path = getenv("FAKE_NVML_STATE");
    if (path == NULL || stat(path, &now) != 0) return NULL;
    /* Writers replace the file, so a new inode or a new time is a new description. */
    if (!is_known || now.st_ino != seen.st_ino || now.st_dev != seen.st_dev || now.st_size != seen.st_size ||
        now.st_mtim.tv_sec != seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != seen.st_mtim.tv_nsec) {
        FILE *file = fopen(path, "r");
        if (file == NULL) return NULL;
        read_file(file, &machine);
        fclose(file);
        seen = now;
        is_known = 1;
    }
    return &machine;
}
