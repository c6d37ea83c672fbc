// What utun.c and feth.c know of each other.
#pragma once
#include <sys/uio.h>
#include "kernel.h"

long call_readv(int fd, const struct iovec *pieces, int count);
void free_filter(struct object *object);
int ndrv_socket(int type);
int ndrv_connect(struct object *object, const uint8_t *address, int bytes);
int feth_ioctl(int fd, struct object *object, uint64_t request, uint8_t *argument, int *handled);
