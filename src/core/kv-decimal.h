/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* The longest number has this many digits. */
#define KV_DECIMAL_MAX 20

/**
 * kv_decimal_format:
 * @at: room for %KV_DECIMAL_MAX bytes
 *
 * Writes @number in decimal digits, without a NUL behind them. Answers hold several numbers each,
 * and printf() takes longer over one than a lookup takes. Any thread.
 *
 * Returns: where it ends
 */
static inline char *
kv_decimal_format (char *at, guint64 number)
{
  static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                              "25262728293031323334353637383940414243444546474849"
                              "50515253545556575859606162636465666768697071727374"
                              "75767778798081828384858687888990919293949596979899";
  char digits[KV_DECIMAL_MAX];
  char *first = digits + sizeof digits;

  for (; number >= 100; number /= 100)
    {
      first -= 2;
      memcpy (first, pairs + 2 * (number % 100), 2);
    }
  if (number >= 10)
    {
      first -= 2;
      memcpy (first, pairs + 2 * number, 2);
    }
  else
    *--first = (char) ('0' + number);
  memcpy (at, first, (gsize) (digits + sizeof digits - first));
  return at + (digits + sizeof digits - first);
}

G_END_DECLS
