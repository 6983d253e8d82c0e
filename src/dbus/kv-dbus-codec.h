/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-details.h"
#include "store/kv-store.h"
#include "store/kv-watch.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Pure functions from what the store gives to what goes over the bus; the forms are those that introspection/ describes. */

/**
 * KvDbusChangeKind:
 *
 * What the `kind` of a change tells, on the bus: these numbers are for ever.
 */
typedef enum {
  KV_DBUS_CHANGE_SNAPSHOT = 0,
  KV_DBUS_CHANGE_PUT = 1,
  KV_DBUS_CHANGE_DELETE = 2,
  KV_DBUS_CHANGE_SWAP = 3,
  KV_DBUS_CHANGE_EXPIRED = 4,
  KV_DBUS_CHANGE_SNAPSHOT_END = 5,
} KvDbusChangeKind;

/**
 * kv_dbus_codec_is_text:
 *
 * Tells whether the value of @entry can be a D-Bus string, which holds no U+0000.
 */
gboolean kv_dbus_codec_is_text (const KvEntry *entry);

/**
 * kv_dbus_codec_string:
 * @entry: one whose value kv_dbus_codec_is_text()
 *
 * Returns: (transfer floating): the value of @entry as s, not copied
 */
GVariant *kv_dbus_codec_string (KvEntry *entry);

/**
 * kv_dbus_codec_text:
 * @details: gets what the text cannot tell
 * @budget: (inout): how many bytes of values the message may still hold
 *
 * Returns: (transfer floating): the value as text, not copied; empty, with `value_bytes` or `value_omitted` in @details,
 *   when it cannot be
 */
GVariant *kv_dbus_codec_text (KvEntry *entry, KvDbusDetails *details, gsize *budget);

/**
 * kv_dbus_codec_bytes:
 *
 * Returns: (transfer floating): the value of @entry as ay, not copied
 */
GVariant *kv_dbus_codec_bytes (KvEntry *entry);

/**
 * kv_dbus_codec_add_details:
 * @details: gets `revision` and, where the entry has a deadline, `expires`
 */
void kv_dbus_codec_add_details (KvDbusDetails *details, const KvEntry *entry);

/**
 * kv_dbus_codec_pair:
 *
 * Returns: (transfer floating): a tuple of two
 */
GVariant *kv_dbus_codec_pair (GVariant *first, GVariant *second);

/**
 * kv_dbus_codec_batch_result:
 * @budget: (inout): how many bytes of values the reply may still hold
 *
 * Returns: (transfer floating): @result as (usa{sv})
 */
GVariant *kv_dbus_codec_batch_result (const KvResult *result, gsize *budget);

/**
 * kv_dbus_codec_change:
 * @event: anything but %KV_WATCH_RESET
 * @more: whether another change of the same revision may follow
 *
 * Returns: (transfer floating): @event as (tussa{sv})
 */
GVariant *kv_dbus_codec_change (const KvWatchEvent *event, gboolean more);

/**
 * kv_dbus_codec_status:
 *
 * Returns: (transfer floating): the figures as a{sv}, named as `/status` names them
 */
GVariant *kv_dbus_codec_status (const KvStoreStatus *status);

G_END_DECLS
