/* The application: it takes every hook at once, and counts eventHooks. */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdint.h>

extern int64_t hooks_received;

int hooks_listen(void);

#endif
