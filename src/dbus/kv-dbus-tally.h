/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-metrics.h"

G_BEGIN_DECLS

/**
 * KvDbusTally:
 *
 * What the door has to tell of itself. It outlives a connection, and the service too, where calls are answered later than
 * that. Any thread.
 */
typedef struct _KvDbusTally KvDbusTally;

/**
 * kv_dbus_tally_new:
 *
 * Returns: (transfer full): a tally of nothing
 */
KvDbusTally *kv_dbus_tally_new (void);

KvDbusTally *kv_dbus_tally_ref (KvDbusTally *tally);
void kv_dbus_tally_unref (KvDbusTally *tally);

/**
 * kv_dbus_tally_count_call:
 * @method: its number
 * @error_name: (nullable): as a #KvDbusCallDoneFunc has it
 */
void kv_dbus_tally_count_call (KvDbusTally *tally, guint method, const char *error_name);

/**
 * kv_dbus_tally_add_watches:
 * @n: how many more there are, or fewer
 */
void kv_dbus_tally_add_watches (KvDbusTally *tally, int n);

/**
 * kv_dbus_tally_count_events:
 * @n: values and changes that have been told to the owner of a watch
 */
void kv_dbus_tally_count_events (KvDbusTally *tally, guint n);

/**
 * kv_dbus_tally_count_reset:
 *
 * A watch has begun anew.
 */
void kv_dbus_tally_count_reset (KvDbusTally *tally);

/**
 * kv_dbus_tally_set_connected:
 * @connected: whether the service has its name on the bus
 */
void kv_dbus_tally_set_connected (KvDbusTally *tally, gboolean connected);

/**
 * kv_dbus_tally_write:
 * @tally: a #KvDbusTally
 *
 * A #KvMetricsFunc.
 */
void kv_dbus_tally_write (KvMetricsWriter *writer, gpointer tally);

G_END_DECLS
