/* A pretended libcuda.so.1: the functions that examples/hold_memory.py calls. FAKE_CUDA_GPUS is how many GPUs there
 * are (absent: cuInit answers 100, no device), FAKE_CUDA_FREE_MIB how much memory each has. Calls are checked for their
 * order: nothing works before cuInit, and no memory is given without a context. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_CONTEXT = 201 };

static int is_ready, contexts[16];
static int *current;
static unsigned long long taken;

static int number(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
}

int cuInit(unsigned flags) {
    if (flags) return INVALID_VALUE;
    if (getenv("FAKE_CUDA_GPUS") == NULL) return NO_DEVICE;
    is_ready = 1;
    return SUCCESS;
}

int cuDeviceGetCount(int *count) {
    *count = number("FAKE_CUDA_GPUS");
    return is_ready ? SUCCESS : NOT_INITIALIZED;
}

int cuDeviceGet(int *device, int ordinal) {
    if (!is_ready) return NOT_INITIALIZED;
    if (ordinal < 0 || ordinal >= number("FAKE_CUDA_GPUS")) return 101;
    *device = ordinal;
    return SUCCESS;
}

int cuDeviceGetName(char *name, int size, int device) {
    snprintf(name, (size_t)size, "Pretended GPU %d", device);
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = &contexts[device];
    return SUCCESS;
}

int cuCtxSetCurrent(void *context) {
    current = context;
    return SUCCESS;
}

int cuMemAlloc_v2(unsigned long long *address, size_t size) {
    if (current == NULL) return INVALID_CONTEXT;
    if (size > (size_t)number("FAKE_CUDA_FREE_MIB") << 20) return OUT_OF_MEMORY;
    taken = size;
    *address = 0x7f0000000000ULL;
    return SUCCESS;
}

int cuMemsetD8_v2(unsigned long long address, unsigned char value, size_t size) {
    return address == 0x7f0000000000ULL && value == 1 && size == taken ? SUCCESS : INVALID_VALUE;
}

int cuCtxSynchronize(void) { return current ? SUCCESS : INVALID_CONTEXT; }
