/* Base64, µ-law and SHA-1: what both programs need and libc lacks. */
#ifndef CODING_H
#define CODING_H

#include <stddef.h>
#include <stdint.h>

size_t base64_encode(const uint8_t *from, size_t n, uint8_t *to); /* returns the length; writes no end */
long base64_decode(const uint8_t *from, size_t n, uint8_t *to);   /* returns the length; -1: it is none */
int16_t ulaw_to_linear(uint8_t code);                             /* G.711, 16-bit samples as audioop has them */
uint8_t linear_to_ulaw(int16_t sample);
void sha1(const uint8_t *data, size_t n, uint8_t digest[20]);     /* n below 256 */

#endif
