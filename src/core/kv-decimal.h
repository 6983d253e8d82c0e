/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

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
  char digits[KV_DECIMAL_MAX];
  guint length = 0;

  do
    {
      digits[length++] = (char) ('0' + number % 10);
      number /= 10;
    }
  while (number > 0);
  while (length > 0)
    *at++ = digits[--length];
  return at;
}

G_END_DECLS
