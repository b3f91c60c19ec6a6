/* Events and topology of the pretended driver: event sets, Xid errors, NVLinks, and how close two cards are. */
#include "calls.h"
#include <stdlib.h>
#include <string.h>

struct event_set { u64 kinds[MAX_CARDS]; unsigned told[MAX_CARDS]; };
struct event_told { handle_t device; u64 kind, number; unsigned gi, ci; };
struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };

int nvmlDeviceGetSupportedEventTypes(handle_t handle, u64 *kinds) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetSupportedEventTypes", handle, &card, &mig);
    if (error) return error;
    if (mig || !card->has_events) return NOT_SUPPORTED;
    *kinds = card->event_kinds;
    return SUCCESS;
}

int nvmlEventSetCreate(struct event_set **set) {
    const struct machine *machine;
    int error = enter("nvmlEventSetCreate", &machine);
    if (!error) *set = calloc(1, sizeof **set);
    return error;
}

int nvmlEventSetFree(struct event_set *set) {
    const struct machine *machine;
    int error = enter("nvmlEventSetFree", &machine);
    if (!error) free(set);
    return error;
}

/* Nobody is told of what happened before: drivers keep nothing for those who come later. */
int nvmlDeviceRegisterEvents(handle_t handle, u64 kinds, struct event_set *set) {
    const struct card *card;
    const struct mig *mig;
    unsigned index = (unsigned)((u64)(uintptr_t)handle >> 8 & 0xff);
    int error = look("nvmlDeviceRegisterEvents", handle, &card, &mig);
    if (error) return error;
    if (mig || !card->has_events || kinds & ~card->event_kinds) return NOT_SUPPORTED;
    set->kinds[index] = kinds;
    for (int i = 0; i < card->n_events; i++)
        if (card->events[i].serial > set->told[index]) set->told[index] = card->events[i].serial;
    return SUCCESS;
}

static int next_event(struct event_set *set, unsigned index, const struct card *card, struct event_told *out) {
    for (int i = 0; i < card->n_events; i++) {
        const struct event *event = &card->events[i];
        if (event->serial <= set->told[index]) continue;
        set->told[index] = event->serial;
        if (!(event->kind & set->kinds[index])) continue;
        *out = (struct event_told){handle_of(index, 0), event->kind, event->number, event->gi, event->ci};
        return 1;
    }
    return 0;
}

#ifndef OLD_DRIVER
int nvmlEventSetWait_v2(struct event_set *set, struct event_told *out, unsigned timeout_ms) {
    const struct machine *machine;
    int error = enter("nvmlEventSetWait_v2", &machine), is_lost = 0;
    (void)timeout_ms; /* nobody here may wait */
    if (error) return error;
    for (unsigned index = 0; index < (unsigned)machine->n_cards; index++) {
        if (!set->kinds[index]) continue;
        if (next_event(set, index, &machine->cards[index], out)) return SUCCESS;
        is_lost |= machine->cards[index].state == GPU_IS_LOST;
    }
    return is_lost ? GPU_IS_LOST : TIMEOUT;
}
#endif

static int both(const char *function, handle_t one, handle_t other, const struct machine **machine, unsigned *i, unsigned *j) {
    const struct card *card;
    const struct mig *mig;
    int error = look(function, one, &card, &mig);
    if (!error) error = look("", other, &card, &mig); /* one call, one line in the log */
    if (error) return error;
    *machine = machine_now();
    *i = (unsigned)((u64)(uintptr_t)one >> 8 & 0xff);
    *j = (unsigned)((u64)(uintptr_t)other >> 8 & 0xff);
    return SUCCESS;
}

int nvmlDeviceGetTopologyCommonAncestor(handle_t one, handle_t other, int *level) {
    const struct machine *machine;
    unsigned i, j;
    int error = both("nvmlDeviceGetTopologyCommonAncestor", one, other, &machine, &i, &j);
    if (error) return error;
    if (!machine->pairs[i][j].is_set || machine->pairs[i][j].level < 0) return NOT_SUPPORTED;
    *level = machine->pairs[i][j].level;
    return SUCCESS;
}

int nvmlDeviceGetP2PStatus(handle_t one, handle_t other, int capability, int *status) {
    const struct machine *machine;
    unsigned i, j;
    int error = both("nvmlDeviceGetP2PStatus", one, other, &machine, &i, &j);
    if (error) return error;
    if (capability != 2) return INVALID_ARGUMENT; /* only NVLink is pretended */
    if (!machine->pairs[i][j].is_set || machine->pairs[i][j].p2p < 0) return NOT_SUPPORTED;
    *status = machine->pairs[i][j].p2p;
    return SUCCESS;
}

static int pci(const char *bus, struct pci *out) {
    memset(out, 0, sizeof *out);
    if (!bus[0]) return NOT_SUPPORTED;
    strcpy(out->bus_id, bus);
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(handle_t handle, struct pci *out) {
    const struct card *card;
    const struct mig *mig;
    int error = look("nvmlDeviceGetPciInfo_v3", handle, &card, &mig);
    return error ? error : pci(card->bus, out);
}

static int link_of(const char *function, handle_t handle, unsigned link, const struct nvlink **found) {
    const struct card *card;
    const struct mig *mig;
    int error = look(function, handle, &card, &mig);
    if (error) return error;
    if (link >= MAX_LINKS || !card->nvlinks[link].present) return INVALID_ARGUMENT;
    *found = &card->nvlinks[link];
    return SUCCESS;
}

int nvmlDeviceGetNvLinkState(handle_t handle, unsigned link, unsigned *is_active) {
    const struct nvlink *found;
    int error = link_of("nvmlDeviceGetNvLinkState", handle, link, &found);
    if (!error) *is_active = (unsigned)found->active;
    return error;
}

int nvmlDeviceGetNvLinkRemotePciInfo_v2(handle_t handle, unsigned link, struct pci *out) {
    const struct nvlink *found;
    int error = link_of("nvmlDeviceGetNvLinkRemotePciInfo_v2", handle, link, &found);
    if (error) return error;
    return found->active ? pci(found->bus, out) : NOT_SUPPORTED;
}
