/* What every function of the pretended library begins with. */
#ifndef FAKE_CALLS_H
#define FAKE_CALLS_H
#include "state.h"
#include <stdint.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
       DRIVER_NOT_LOADED = 9, TIMEOUT = 10, GPU_IS_LOST = 15, MISMATCH = 18 };

typedef void *handle_t;
typedef unsigned long long u64;

/* Note the call, take as long as told, and answer the machine and the error that every call gets now. */
int enter(const char *function, const struct machine **machine);

/* The same for a call about a card or a MIG device (then `mig` is not NULL). */
int look(const char *function, handle_t handle, const struct card **card, const struct mig **mig);

/* A handle holds the life it was given in, the card's index, and one plus the index of the MIG device (0: the card). */
handle_t handle_of(unsigned card, unsigned mig);

#endif
