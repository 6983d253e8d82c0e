/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "backup/kv-restore.h"
#include "dbus/wire/kv-dbus-writer.h"
#include "store/kv-page.h"
#include "store/kv-store.h"
#include "store/kv-watch.h"

G_BEGIN_DECLS

/* What the store gives, written as it goes over the bus; the forms are those that introspection/ describes. Any thread. */

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
 * KvDbusShape:
 * @KV_DBUS_SHAPE_VALUES: with values; without, they are told as empty text
 * @KV_DBUS_SHAPE_PREVIOUS: with what was there before, as `prev`
 *
 * How changes are told.
 */
typedef enum {
  KV_DBUS_SHAPE_VALUES = 1 << 0,
  KV_DBUS_SHAPE_PREVIOUS = 1 << 1,
} KvDbusShape;

/* The types of what follows. */
#define KV_DBUS_BATCH_RESULT_TYPE "(usa{sv})"
#define KV_DBUS_FOUND_TYPE "{s(sa{sv})}"
#define KV_DBUS_CHANGE_TYPE "(tussa{sv})"
#define KV_DBUS_ITEM_TYPE "(sa{sv})"

/**
 * kv_dbus_codec_is_text:
 *
 * Tells whether the value of @entry can be a D-Bus string, which holds no U+0000.
 */
gboolean kv_dbus_codec_is_text (const KvEntry *entry);

/**
 * kv_dbus_codec_write_text:
 * @entry: one whose value kv_dbus_codec_is_text()
 *
 * Writes value and details as sa{sv}.
 */
void kv_dbus_codec_write_text (KvDbusWriter *writer, const KvEntry *entry);

/**
 * kv_dbus_codec_write_bytes:
 *
 * Writes value and details as aya{sv}.
 */
void kv_dbus_codec_write_bytes (KvDbusWriter *writer, const KvEntry *entry);

/**
 * kv_dbus_codec_write_found:
 * @key: (array length=key_length): the key
 * @budget: (inout): how many bytes of values the message may still hold
 *
 * Writes a key and what it holds as %KV_DBUS_FOUND_TYPE. A value that cannot be text is told as empty text, with `value_bytes` in
 * the details; one that is too long for the budget too, with `value_omitted`.
 */
void kv_dbus_codec_write_found (KvDbusWriter *writer,
                                const char *key,
                                gsize key_length,
                                const KvEntry *entry,
                                gsize *budget);

/**
 * kv_dbus_codec_write_batch_result:
 * @budget: (inout): as above
 *
 * Writes @result as %KV_DBUS_BATCH_RESULT_TYPE: with the new value where the result has it, and with `prev` where it has what was there
 * before.
 */
void kv_dbus_codec_write_batch_result (KvDbusWriter *writer, const KvResult *result, gsize *budget);

/**
 * kv_dbus_codec_write_page:
 * @page: of entries or values
 * @with_values: whether to tell the values
 *
 * Writes @page as a(sa{sv})st: its items, where the next one begins, and its revision. A value is told as `value`, or as
 * `value_bytes` where it cannot be text; where all would come to more than %KV_DBUS_MAX_REPLY_BYTES, as `value_omitted`.
 */
void kv_dbus_codec_write_page (KvDbusWriter *writer, const KvPage *page, gboolean with_values);

/**
 * kv_dbus_codec_write_change:
 * @event: anything but %KV_WATCH_RESET
 *
 * Writes @event as %KV_DBUS_CHANGE_TYPE.
 */
void
kv_dbus_codec_write_change (KvDbusWriter *writer, const KvWatchEvent *event, KvDbusShape shape);

/**
 * kv_dbus_codec_write_reset:
 * @oldest: the oldest revision after which a watch could begin
 * @current: of the last change
 *
 * Writes the details of a Reset as a{sv}.
 */
void kv_dbus_codec_write_reset (KvDbusWriter *writer, guint64 oldest, guint64 current);

/**
 * kv_dbus_codec_write_status:
 *
 * Writes the figures as a{sv}, named as `/status` names them.
 */
void kv_dbus_codec_write_status (KvDbusWriter *writer, const KvStoreStatus *status);

/**
 * kv_dbus_codec_write_dump:
 * @revision: that the dump is of
 * @entries: how many it has
 *
 * Writes what is told of a dump as a{sv}.
 */
void kv_dbus_codec_write_dump (KvDbusWriter *writer, guint64 revision, guint64 entries);

/**
 * kv_dbus_codec_write_restore:
 * @dry_run: whether it has only been tried
 * @revision: of the store, afterwards
 *
 * Writes what a restore has come to as a{sv}, named as HTTP names it.
 */
void kv_dbus_codec_write_restore (KvDbusWriter *writer,
                                  const KvRestoreCounts *counts,
                                  gboolean dry_run,
                                  guint64 revision);

G_END_DECLS
