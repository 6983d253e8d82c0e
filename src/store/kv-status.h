/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-store.h"

G_BEGIN_DECLS

/* A #KvStoreStatus as both doors show it: pure functions, any thread. */

/**
 * KvStatusFigure:
 * @name: what it is called, at every door and for ever: ASCII letters and underscores
 * @value: a count
 */
typedef struct {
  const char *name;
  guint64 value;
} KvStatusFigure;

/**
 * KV_STATUS_N_FIGURES:
 *
 * How many counts a status has.
 */
#define KV_STATUS_N_FIGURES 10

/**
 * kv_status_get_figures:
 * @figures: (out caller-allocates) (array fixed-size=10): filled in, in the order in which they are shown
 */
void kv_status_get_figures (const KvStoreStatus *status,
                            KvStatusFigure figures[KV_STATUS_N_FIGURES]);

/**
 * kv_status_format_uptime:
 *
 * Returns: (transfer full): the uptime as people write it, to the millisecond, the largest unit first and without those
 *   that are nought: "1d 2h 3m 4s 5ms"; "0s" when all are
 */
char *kv_status_format_uptime (const KvStoreStatus *status);

/**
 * kv_status_format_now:
 *
 * Returns: (transfer full): the wall clock's time as RFC 3339 has it, in the local time zone and to the microsecond
 */
char *kv_status_format_now (void);

G_END_DECLS
