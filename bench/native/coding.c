#include "coding.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const uint8_t *from, size_t n, uint8_t *to)
{
    uint8_t *out = to;
    size_t i = 0;
    for (; i + 2 < n; i += 3) {
        uint32_t three = from[i] << 16 | from[i + 1] << 8 | from[i + 2];
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = digits[three >> 6 & 63];
        *out++ = digits[three & 63];
    }
    if (i < n) {
        uint32_t rest = from[i] << 16 | (i + 1 < n ? from[i + 1] << 8 : 0);
        *out++ = digits[rest >> 18];
        *out++ = digits[rest >> 12 & 63];
        *out++ = i + 1 < n ? digits[rest >> 6 & 63] : '=';
        *out++ = '=';
    }
    return out - to;
}

/* Of each character its six bits; 64 and more for what is none. */
static const uint8_t *values(void)
{
    static uint8_t table[256];
    if (!table[0]) {
        memset(table, 255, sizeof table);
        for (int i = 0; i < 64; i++)
            table[(uint8_t)digits[i]] = i;
    }
    return table;
}

long base64_decode(const uint8_t *from, size_t n, uint8_t *to)
{
    const uint8_t *value = values();
    uint8_t *out = to;
    size_t padding = n && from[n - 1] == '=' ? 1 + (n > 1 && from[n - 2] == '=') : 0;
    uint8_t bad = 0;
    if (n % 4)
        return -1;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t four = 0;
        for (size_t k = 0; k < 4; k++) {
            uint8_t six = i + k >= n - padding ? 0 : value[from[i + k]];
            bad |= six;
            four = four << 6 | (six & 63);
        }
        *out++ = four >> 16;
        *out++ = four >> 8;
        *out++ = four;
    }
    return bad > 63 ? -1 : out - to - (long)padding;
}

int16_t ulaw_to_linear(uint8_t code)
{
    code = ~code;
    int magnitude = (((code & 15) << 3) + 132) << ((code & 0x70) >> 4);
    return code & 0x80 ? 132 - magnitude : magnitude - 132;
}

uint8_t linear_to_ulaw(int16_t sample)
{
    int value = sample < 0 ? -sample : sample, sign = sample < 0 ? 0x80 : 0, exponent = 7;
    value = (value > 32635 ? 32635 : value) + 132;
    for (int bit = 0x4000; !(value & bit) && exponent > 0; bit >>= 1)
        exponent--;
    return ~(sign | exponent << 4 | (value >> (exponent + 3) & 15));
}

static uint32_t turned(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static void sha1_block(uint32_t h[5], const uint8_t *block)
{
    static const uint32_t k[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t w[80], v[5];
    memcpy(v, h, sizeof v);
    for (int t = 0; t < 80; t++) {
        w[t] = t < 16 ? (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 | block[4 * t + 3]
                      : turned(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        uint32_t both = v[1] ^ v[2] ^ v[3], choice = (v[1] & v[2]) | (~v[1] & v[3]);
        uint32_t most = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]);
        uint32_t f = t < 20 ? choice : t < 40 || t >= 60 ? both : most;
        uint32_t next = turned(v[0], 5) + f + v[4] + k[t / 20] + w[t];
        memmove(v + 1, v, 4 * sizeof *v);
        v[2] = turned(v[2], 30);
        v[0] = next;
    }
    for (int i = 0; i < 5; i++)
        h[i] += v[i];
}

void sha1(const uint8_t *data, size_t n, uint8_t digest[20])
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[320] = {0};
    size_t whole = (n + 8) / 64 * 64 + 64;
    memcpy(padded, data, n);
    padded[n] = 0x80;
    padded[whole - 2] = n * 8 >> 8;
    padded[whole - 1] = n * 8;
    for (size_t i = 0; i < whole; i += 64)
        sha1_block(h, padded + i);
    for (int i = 0; i < 20; i++)
        digest[i] = h[i / 4] >> (24 - i % 4 * 8);
}
