/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-hash.h"

#include "core/kv-bytes.h"
#include "core/kv-random.h"

#include <string.h>

static guint64 secret[2];

static gpointer
draw_secret (gpointer unused)
{
  kv_random_fill (secret, sizeof secret);
  return NULL;
}

static inline guint64
rotate (guint64 x, guint bits)
{
  return (x << bits) | (x >> (64 - bits));
}

#define SIP_ROUND                                                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    v0 += v1, v1 = rotate (v1, 13) ^ v0, v0 = rotate (v0, 32);                                     \
    v2 += v3, v3 = rotate (v3, 16) ^ v2;                                                           \
    v0 += v3, v3 = rotate (v3, 21) ^ v0;                                                           \
    v2 += v1, v1 = rotate (v1, 17) ^ v2, v2 = rotate (v2, 32);                                     \
  }                                                                                                \
  G_STMT_END

guint32
kv_key_hash (const char *key, gsize length)
{
  static GOnce once = G_ONCE_INIT;
  const char *end = key + (length & ~(gsize) 7);
  guint64 v0, v1, v2, v3, word;

  g_once (&once, draw_secret, NULL);
  v0 = secret[0] ^ 0x736f6d6570736575;
  v1 = secret[1] ^ 0x646f72616e646f6d;
  v2 = secret[0] ^ 0x6c7967656e657261;
  v3 = secret[1] ^ 0x7465646279746573;

  for (; key < end; key += 8)
    {
      memcpy (&word, key, 8);
      word = GUINT64_FROM_LE (word);
      v3 ^= word;
      SIP_ROUND;
      v0 ^= word;
    }

  word = (guint64) length << 56 | kv_bytes_load_tail (key, length & 7);
  v3 ^= word;
  SIP_ROUND;
  v0 ^= word;
  v2 ^= 0xff;
  SIP_ROUND;
  SIP_ROUND;
  SIP_ROUND;
  word = v0 ^ v1 ^ v2 ^ v3;
  return (guint32) (word ^ (word >> 32));
}
